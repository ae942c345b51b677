"""What is on disk: tables, migrations, repair. Knows nothing of Ray."""
