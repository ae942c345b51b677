"""Bodies of the API, results of tasks, and the checks at submission. Knows nothing of HTTP itself."""
