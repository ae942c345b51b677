"""The inputs and results of a run that are in buckets, on its node."""
