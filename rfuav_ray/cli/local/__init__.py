"""Work in this process, without a service: in a terminal, or as a Ray job. Knows no Ray: the starter tells."""
