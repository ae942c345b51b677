"""Metrics of a model. Knows nothing about training."""
