"""The answers of an inference, from the rows of its pictures to its files. Does not draw."""
