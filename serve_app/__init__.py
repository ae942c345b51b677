"""The service: the REST API as a Ray Serve deployment, the web page, and the command that runs them."""
