"""Ends the run that takes too much memory, before something else is ended. Knows nothing of tasks."""
