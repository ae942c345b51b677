"""The Ray actors that queue, schedule, run and record tasks. Knows nothing of HTTP."""
