"""ASGI middleware in front of all routes, one module each. Plain ASGI, so that streams pass through."""
