"""The latest version of every task, for readers that keep a local copy. Pure; knows nothing of Ray."""

import asyncio
import uuid
from collections import OrderedDict
from dataclasses import dataclass

from rfuav_ray.tasks import TaskRecord


@dataclass(frozen=True)
class FeedPage:
    #: changes when the feed begins anew; then this page is the whole table
    incarnation: str
    version: int
    tasks: list[TaskRecord]
    deleted: list[str]


class TaskFeed:
    def __init__(self) -> None:
        self._incarnation = uuid.uuid4().hex
        self._version = 0
        #: by age of the last change; None stands for a deleted task
        self._latest: OrderedDict[str, tuple[int, TaskRecord | None]] = OrderedDict()
        self._news = asyncio.Event()

    def publish(self, task_id: str, task: TaskRecord | None) -> None:
        """Show the task's new state; None: it was deleted."""
        _, shown = self._latest.get(task_id, (0, None))
        if task is not None and shown is not None and shown.version > task.version:
            return  # a newer state came first
        self._version += 1
        self._latest[task_id] = (self._version, task)
        self._latest.move_to_end(task_id)
        self._news.set()
        self._news = asyncio.Event()

    async def read(self, incarnation: str, after: int, wait_s: float) -> FeedPage:
        """What changed behind version `after`; where nothing did, wait for a change up to `wait_s`."""
        if incarnation != self._incarnation:
            after = 0
        elif after >= self._version and wait_s > 0:
            try:
                await asyncio.wait_for(self._news.wait(), wait_s)
            except asyncio.TimeoutError:
                return self._page([])
        changed = []
        for task_id, (version, task) in reversed(self._latest.items()):
            if version <= after:
                break
            changed.append((task_id, task))
        return self._page(changed)

    def _page(self, changed: list[tuple[str, TaskRecord | None]]) -> FeedPage:
        return FeedPage(
            self._incarnation,
            self._version,
            [task for _, task in changed if task is not None],
            [task_id for task_id, task in changed if task is None],
        )
