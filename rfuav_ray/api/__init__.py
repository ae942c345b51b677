"""What travels between clients and the service, and what is checked before. Knows nothing of HTTP."""
