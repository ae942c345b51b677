"""One attempt at a task, in a process of its own. Knows nothing of the queue."""
