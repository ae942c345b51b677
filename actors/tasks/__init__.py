"""The tasks: accepted, queued, given to devices, remembered. Knows nothing of HTTP."""
