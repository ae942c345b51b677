"""Whether anything is on the air in a window of a recording."""
