"""Recordings at a lower sample rate."""
