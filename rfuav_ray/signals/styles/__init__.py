"""How samples become an image: one module for each style."""
