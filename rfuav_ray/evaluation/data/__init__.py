"""What an evaluation scores: labelled files, recordings with noise, unknown signals. Knows nothing of metrics."""
