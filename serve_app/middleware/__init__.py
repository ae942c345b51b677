"""What stands before the routes. Plain ASGI."""
