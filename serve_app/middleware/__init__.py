"""ASGI middleware in front of the routes."""
