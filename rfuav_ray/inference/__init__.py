"""One inference, from images to predictions. Knows nothing about tasks and Ray."""
