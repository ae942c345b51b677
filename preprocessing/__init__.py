"""Preparing data sets: pure functions on files, fanned out with Ray Data. Knows nothing of actors or HTTP."""
