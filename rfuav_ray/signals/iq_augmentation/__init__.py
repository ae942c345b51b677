"""Recordings as they could have been: noisier, shifted, louder, with interference. Knows no images."""
