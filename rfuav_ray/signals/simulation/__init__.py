"""Simulated radio scenes: emitters, interference, noise and the receiver. Knows no files and no spectrograms."""
