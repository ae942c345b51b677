"""The domain: drone radio signals, models, training, inference. Knows nothing of Ray or HTTP."""
