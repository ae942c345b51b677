"""A replica's own copy of the task table, kept fresh by the TaskManager's feed: reads cost no actor call."""

import asyncio
import logging
from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Any

from ray.exceptions import RayError

from actors.task_feed import FeedPage
from actors.task_queue import TaskQueue
from rfuav_ray.tasks import TaskRecord, TaskStatus

logger = logging.getLogger("rfuav.api")

FEED_WAIT_S = 30.0
RETRY_S = 0.5


class TaskView:
    def __init__(self) -> None:
        self._tasks: dict[str, TaskRecord] = {}
        #: numbers of submission, ascending
        self._numbers: list[int] = []
        self._id_of: dict[int, str] = {}
        self._waiting = TaskQueue()

    def get(self, task_id: str) -> TaskRecord | None:
        return self._tasks.get(task_id)

    def newest_first(self) -> Iterator[TaskRecord]:
        return (self._tasks[self._id_of[number]] for number in reversed(self._numbers))

    def queue_position(self, task: TaskRecord) -> int | None:
        """1 for the next to start of those that want the same slots; None for one that does not wait."""
        return self._waiting.position(task) if task.id in self._waiting else None

    def put(self, task: TaskRecord) -> None:
        """Take over a task's state, unless a newer one is known."""
        known = self._tasks.get(task.id)
        if known is not None and known.number != task.number:
            self.drop(task.id)  # deleted, and the id given to another task
            known = None
        if known is None:
            insort(self._numbers, task.number)
            self._id_of[task.number] = task.id
        elif known.version >= task.version:
            return
        self._tasks[task.id] = task
        if task.status is TaskStatus.PENDING:
            self._waiting.put(task)
        else:
            self._waiting.discard(task.id)

    def drop(self, task_id: str) -> None:
        task = self._tasks.pop(task_id, None)
        if task is not None:
            _remove(self._numbers, task.number)
            del self._id_of[task.number]
            self._waiting.discard(task_id)

    def apply(self, page: FeedPage, *, is_new_feed: bool) -> None:
        if is_new_feed:
            # The table as it was stored: what this copy knows beyond it never became durable.
            self.__init__()  # type: ignore[misc]
        for task in page.tasks:
            self.put(task)
        for task_id in page.deleted:
            self.drop(task_id)

    async def follow(self, task_manager_actor: Any, is_ready: asyncio.Event) -> None:
        """Keep the copy fresh until cancelled."""
        incarnation, version = "", 0
        while True:
            try:
                page = await task_manager_actor.changes.remote(incarnation, version, FEED_WAIT_S)
            except RayError as error:
                logger.warning("the task manager does not answer, trying again: %s", error)
                await asyncio.sleep(RETRY_S)
                continue
            try:
                self.apply(page, is_new_feed=page.incarnation != incarnation)
            except Exception:
                logger.exception("the local copy of the tasks is damaged, reading all of them again")
                incarnation, version = "", 0
                await asyncio.sleep(RETRY_S)
                continue
            incarnation, version = page.incarnation, page.version
            is_ready.set()


def _remove(ordered: list[Any], item: Any) -> None:
    del ordered[bisect_left(ordered, item)]
