"""`rfuav doctor`: the problems of this installation, with a remedy for each."""
