"""Output folders: the files that each task writes, and which task owns them. Knows nothing of queues."""
