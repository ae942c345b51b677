"""Server-sent events. Knows nothing of routes."""
