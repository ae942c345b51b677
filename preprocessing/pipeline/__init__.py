"""The pipeline of all kinds of preprocessing: takes items, makes files. Knows nothing about the kinds."""
