"""What others in the network and on the machine could do: each attack against a real service."""
