"""What the pixels of a data set say: look-alikes, and how far coarse pixels go. Knows nothing of names."""
