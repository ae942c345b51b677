"""The REST API as Ray Serve deployments."""
