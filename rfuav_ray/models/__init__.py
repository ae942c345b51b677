"""The supported networks, their weights and their configs. Knows nothing about training."""
