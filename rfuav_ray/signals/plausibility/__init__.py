"""What is doubtful about the samples of a recording. Knows no file formats."""
