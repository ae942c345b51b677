"""What others in the network, on the machine, or with a lesser key could do to a running service."""
