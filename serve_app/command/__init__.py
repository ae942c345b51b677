"""The console script `rfuav`, and the process of `rfuav serve` from start to stop."""
