"""Decides which run has to end because of its memory. Pure: numbers in, a decision out."""

from collections.abc import Mapping
from typing import NamedTuple

from rfuav_ray.machine.hardware import gib
from rfuav_ray.machine.memory import Memory

#: The machine is short of memory when less than this part of it is available, or less than these bytes
RESERVE, LARGEST_RESERVE_BYTES = 0.05, 8 * 1024**3
ADVICE = "A smaller batch_size or image_size, or fewer runs at once, need less."


class Ending(NamedTuple):
    run_id: str
    #: for the task's log
    reason: str


def run_to_end(used_bytes: Mapping[str, int], memory: Memory, limit: float) -> Ending | None:
    """Choose the run that has to end, and say why; None if there is none.

    Args:
        used_bytes: What each run uses, by run id.
        memory: The memory of the node.
        limit: What one run may use, as a fraction of the node's memory; 0 for no limit.
    """
    if not used_bytes:
        return None
    run_id, largest = max(used_bytes.items(), key=lambda item: item[1])
    total = f"{gib(memory.total_bytes)} GiB"
    allowed = limit * memory.total_bytes
    if limit and largest > allowed:
        return Ending(
            run_id,
            f"The run used {gib(largest)} GiB of memory, the limit is {gib(int(allowed))} GiB "
            f"(RUN_MEMORY_LIMIT={limit:g} of {total}). {ADVICE}",
        )
    if memory.available_bytes < min(RESERVE * memory.total_bytes, LARGEST_RESERVE_BYTES):
        return Ending(
            run_id,
            f"The machine had {gib(memory.available_bytes)} of {total} memory left. The run used "
            f"{gib(largest)} GiB, more than any other, and was ended. {ADVICE}",
        )
    return None
