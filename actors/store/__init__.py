"""The store on disk: tables, migrations, repair. Knows nothing of Ray."""
