"""The event logs of tasks, and the gauges for monitoring. Only `gauges` knows of devices."""
