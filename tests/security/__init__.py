"""What others in the network, and in the folders of data, could do: attacks against a real service."""
