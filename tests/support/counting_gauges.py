"""Gauges for task managers that tests make without a cluster."""

from collections import Counter


class CountingGauges(Counter):
    """Counts instead of publishing."""

    def count(self, before, after):
        self[after] += 1

    def show_slots(self, slots):
        pass
