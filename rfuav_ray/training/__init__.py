"""One training, from its request to its results folder. Knows nothing about tasks and Ray."""
