"""The way of every kind of preprocessing: items in, files out. Knows no kind."""
