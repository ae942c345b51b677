"""One module for each kind of recording file: what it holds and where its samples are. Knows no spectrograms."""
