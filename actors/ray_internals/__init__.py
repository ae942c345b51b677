"""Everything that leans on what Ray does not promise, each part with a check. Knows nothing of tasks."""
