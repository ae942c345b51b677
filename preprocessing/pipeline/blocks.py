"""Divides the items of a run into blocks. A worker takes one block at a time."""

import math
import pickle
from collections.abc import Sequence
from typing import Any

#: the next block is this fraction (1/3) of one worker's part of the remaining items
PARTS_PER_WORKER = 3
#: the smallest block, as a fraction of one worker's part of all items
SMALLEST_FRACTION = 1 / 32


def in_blocks(items: Sequence[Any], worker_count: int, largest: int) -> list[bytes]:
    """Divide the items, with their numbers, into pickled blocks of at most `largest` items.

    The first blocks are large, because a worker waits about 0.1 s between two blocks. The last ones are small, so
    that all workers end together: guided self-scheduling (Polychronopoulos and Kuck, 1987). Blocks are pickled
    because file names may hold bytes that are not valid text.
    """
    smallest = math.ceil(len(items) / worker_count * SMALLEST_FRACTION)
    blocks = []
    start = 0
    while start < len(items):
        part = math.ceil((len(items) - start) / (PARTS_PER_WORKER * worker_count))
        end = start + min(largest, max(smallest, part))
        blocks.append(pickle.dumps(list(enumerate(items[start:end], start))))
        start = end
    return blocks
