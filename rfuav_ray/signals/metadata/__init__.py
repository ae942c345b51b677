"""What people and programs write about a recording: beside it and in its name. Knows no samples."""
