"""Request and response bodies of the API, and the checks at submission. Knows nothing of HTTP itself."""
