"""Hardware of a machine, and efficient use of it by a process. Knows nothing of radio."""
