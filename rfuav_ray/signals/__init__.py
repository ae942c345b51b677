"""Recordings of radio signals: IQ on disk, the spectrograms drawn of it, and simulated scenes. Knows no torch."""
