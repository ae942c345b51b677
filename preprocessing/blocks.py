"""How the items of a run are cut into blocks, each of which a worker takes at once."""

import math
import pickle
from collections.abc import Sequence
from typing import Any

#: of what is left, each worker's part is cut in two, until the parts are small
PARTS_A_WORKER = 2
#: what a worker that died had begun is looked at again
LARGEST_BLOCK = 1024
#: of all items, for each worker
SMALLEST_SHARE = 1 / 32


def in_blocks(items: Sequence[Any], worker_count: int) -> list[bytes]:
    """The items with their numbers, pickled: names may hold bytes that are no text to Arrow.

    The blocks are large at first, because a worker waits for about 0.1 s between two of them, and small at the
    end, so that all workers end together: guided self-scheduling (Polychronopoulos and Kuck, 1987).
    """
    smallest = math.ceil(len(items) / worker_count * SMALLEST_SHARE)
    numbered = list(enumerate(items))
    blocks = []
    start = 0
    while start < len(numbered):
        part = math.ceil((len(numbered) - start) / (PARTS_A_WORKER * worker_count))
        end = start + min(LARGEST_BLOCK, max(smallest, part))
        blocks.append(pickle.dumps(numbered[start:end]))
        start = end
    return blocks
