"""Image files and class folders. Knows nothing about models."""
