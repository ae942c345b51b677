"""Windows of events, the feed for the replicas, and the gauges for monitoring. Stores nothing."""
