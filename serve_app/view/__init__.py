"""A replica's copy of the tasks, and the answers made of it. Knows nothing of HTTP's verbs."""
