"""What a task writes, and whose it is. Knows nothing of queues."""
