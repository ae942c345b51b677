"""How the items of a run are cut into blocks, each of which a worker takes at once."""

import math
import pickle
from collections.abc import Sequence
from typing import Any

#: of what is left, each worker's part is cut in so many, until they are small
PARTS_A_WORKER = 3
#: of all items, for each worker
SMALLEST_SHARE = 1 / 32


def in_blocks(items: Sequence[Any], worker_count: int, largest: int) -> list[bytes]:
    """The items with their numbers, pickled, `largest` at most in a block: names may hold bytes no text has.

    The blocks are large at first, because a worker waits for about 0.1 s between two of them, and small at the
    end, so that all workers end together: guided self-scheduling (Polychronopoulos and Kuck, 1987).
    """
    smallest = math.ceil(len(items) / worker_count * SMALLEST_SHARE)
    blocks = []
    start = 0
    while start < len(items):
        part = math.ceil((len(items) - start) / (PARTS_A_WORKER * worker_count))
        end = start + min(largest, max(smallest, part))
        blocks.append(pickle.dumps(list(enumerate(items[start:end], start))))
        start = end
    return blocks
