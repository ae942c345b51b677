"""The pages for people: the web page, and the documentation of the API."""
