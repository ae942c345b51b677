"""How good a model is, and how far one can believe it. Knows nothing about training."""
