"""Routes about the service itself: its health, its figures, its devices, and who is signed in."""
