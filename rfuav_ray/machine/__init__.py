"""What a machine has, and how a process makes good use of it. Knows nothing of radio."""
