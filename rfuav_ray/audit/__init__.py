"""Tells what makes the numbers of a data set doubtful: shared recordings, duplicates. Knows nothing of models."""
