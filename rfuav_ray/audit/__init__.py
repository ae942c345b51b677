"""Tells whether the parts of a data set share recordings or images, and what else is doubtful."""
