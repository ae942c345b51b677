"""How good a model is. Knows nothing of how it was trained."""
