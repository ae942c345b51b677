"""Object storage: addresses, a bounded cache of objects on a node, and writing to a prefix. Knows nothing of tasks."""
