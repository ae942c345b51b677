"""One inference, from images to predictions. Knows nothing of tasks and of Ray."""
