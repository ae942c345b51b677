"""One attempt at a task, executed in a Ray worker. Knows nothing of the queue."""
