"""The routes of the HTTP contract, one module for each group."""
