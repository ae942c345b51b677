"""Prepares data sets: pure functions on files, run in parallel by Ray Data. Knows nothing about actors or HTTP."""

import os

# Ray Data reads this before its first run. By default a thread fetches the metadata of blocks and is polled every
# 0.1 s, and a worker waits that long for its next block. Our blocks have almost no metadata.
os.environ.setdefault("RAY_DATA_METADATA_PREFETCH_ON_THREAD", "0")
