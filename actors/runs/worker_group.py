"""The Ray tasks of a run with several workers: they begin together, and end together."""

import asyncio
from collections.abc import Sequence
from typing import Any

import ray

from actors.runs.spec import Outcome
from rfuav_ray.training.workers.seats import Member

#: when one worker has ended, the others may say within this time why they end too
END_TOGETHER_S = 2.0
#: How the first worker ends when it was told to. The others are not told, and have nothing to keep
TOLD_TO_END = ("cancelled", "interrupted")


class Meeting:
    """Waits until all workers of a run are there."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._members: dict[int, Member] = {}
        self._is_complete = asyncio.Event()

    async def join(self, member: Member) -> list[Member]:
        """Come to the meeting. Returns what all workers tell, by rank."""
        self._members[member.rank] = member
        if len(self._members) == self._size:
            self._is_complete.set()
        await self._is_complete.wait()
        return [self._members[rank] for rank in range(self._size)]


async def end_together(workers: Sequence["asyncio.Task[Outcome]"], refs: Sequence[Any]) -> Outcome:
    """Wait until the first worker ends or another one fails, end the rest, and say what became of the run.

    A worker that has completed its part does not end the run: the first one still writes files.

    Args:
        workers: The end of each worker, by rank.
        refs: The Ray task of each worker.
    """
    first, running = workers[0], set(workers)
    while not (first.done() or any(w.done() and w.result().status != "completed" for w in workers)):
        _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    if not (first.done() and first.result().status in TOLD_TO_END):
        await asyncio.wait(workers, timeout=END_TOGETHER_S)
    ended = {rank: worker.result() for rank, worker in enumerate(workers) if worker.done()}
    for ref, worker in zip(refs, workers, strict=True):
        if not worker.done():
            ray.cancel(ref, force=True)
    await asyncio.wait(workers)
    return common_outcome(ended, len(workers))


def common_outcome(ended: dict[int, Outcome], size: int) -> Outcome:
    """What became of a run.

    Args:
        ended: The outcomes, by rank, of those workers that ended by themselves: the first one, or one that did not
            complete its part.
        size: How many workers the run had.
    """
    if 0 in ended and ended[0].status not in ("failed", "lost"):
        return ended[0]
    # A worker that failed says best why. Otherwise the process that died does, not those that then missed it.
    causes = sorted(ended.items(), key=lambda one: (_distance_from_cause(one[1]), one[0]))
    rank, cause = causes[0]
    if rank == 0 or cause.status in TOLD_TO_END:
        return cause
    return Outcome(cause.status, error=f"Worker {rank + 1} of {size}: {cause.error}", traceback=cause.traceback)


def _distance_from_cause(outcome: Outcome) -> int:
    if outcome.status == "failed":
        return 0
    if outcome.status == "completed":
        return 3
    return 2 if outcome.missed_another else 1
