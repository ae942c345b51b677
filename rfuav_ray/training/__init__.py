"""One training, from its request to its folder of results. Knows nothing of tasks and of Ray."""
