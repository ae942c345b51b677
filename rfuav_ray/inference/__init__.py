"""One inference, from images and recordings to predictions. Knows nothing about tasks and Ray."""
