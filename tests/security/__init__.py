"""What others in the network, on the machine and in folders of data could do: attacks against a real service."""
