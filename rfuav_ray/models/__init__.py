"""The networks: which there are, how they are built, their weights and configs. Knows nothing of training."""
