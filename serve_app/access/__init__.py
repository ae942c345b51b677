"""Who may use the service: keys, sessions, addresses."""
