"""Preparing data sets: pure functions on files, fanned out with Ray Data. Knows nothing of actors or HTTP."""

import os

# Ray Data reads it before its first run. Else a thread fetches what blocks say of themselves, and is asked every
# 0.1 s; so long a worker waits for its next block. Ours say next to nothing.
os.environ.setdefault("RAY_DATA_METADATA_PREFETCH_ON_THREAD", "0")
