"""Image files and folders of them, a class each. Knows nothing of models."""
