"""The logs of tasks and what follows them. Knows nothing of devices."""
