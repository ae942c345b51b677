"""Object storage: addresses, a bounded cache of objects on a node, writing to a prefix. Knows nothing of tasks."""
