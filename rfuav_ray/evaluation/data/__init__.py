"""What an evaluation scores: labelled files, recordings with noise, and unknown signals. Knows nothing of metrics."""
