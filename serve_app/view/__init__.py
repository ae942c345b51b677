"""A replica's copy of the task table, and the responses built from it. Knows nothing of routes."""
