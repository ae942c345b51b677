"""How requests reach the API's replicas. Knows nothing of routes."""
