"""Prepares data sets: pure functions on files, run in parallel by Ray Data. Knows nothing about actors or HTTP."""
