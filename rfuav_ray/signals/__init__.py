"""IQ recordings on disk, their spectrograms, and simulated radio scenes. Does not import torch."""
