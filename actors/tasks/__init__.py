"""Accepts, queues, starts and stores tasks. Knows nothing of HTTP."""
