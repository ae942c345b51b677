"""Weights files: what they hold, whether they fit a model. Builds no model."""
