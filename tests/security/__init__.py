"""Attacks on a real service: from the network, by other users, by files of data, with a lesser key."""
