"""The store on disk: tables, migrations, backups. Knows nothing of Ray."""
