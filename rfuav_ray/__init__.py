"""The domain (signals, models, training, inference), the HTTP client and the command line. Does not import Ray."""
