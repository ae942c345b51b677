"""What others in the network, on the machine, in folders of data or with a lesser key could do: attacks against a real service."""
