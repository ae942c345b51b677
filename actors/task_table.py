"""All tasks in memory, backed by the store, shown through the feed. Only the TaskManager writes to it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from actors.gauges import QueueGauges
from actors.group_commit import GroupCommit
from actors.store import Store
from actors.task_feed import TaskFeed
from rfuav_ray.errors import TaskConflict, TaskNotFound
from rfuav_ray.tasks import TaskRecord


class TaskTable:
    def __init__(self, store: Store, gauges: QueueGauges) -> None:
        self._store = store
        self._gauges = gauges
        self._commit: GroupCommit[TaskRecord | str] = GroupCommit(store.write_tasks)
        self._tasks: dict[str, TaskRecord] = {}
        #: ids on their way into the store, and out of it
        self._arriving: set[str] = set()
        self._leaving: set[str] = set()
        self._last_number = 0
        self._last_version = 0
        self.feed = TaskFeed()

    async def load(self) -> list[TaskRecord]:
        tasks = await asyncio.to_thread(self._store.load_tasks)
        for task in tasks:
            self._last_number = max(self._last_number, task.number)
            self._last_version = max(self._last_version, task.version)
            self._show(task)
        return tasks

    @property
    def arriving(self) -> int:
        return len(self._arriving)

    def get(self, task_id: str) -> TaskRecord:
        """Raises TaskNotFound."""
        if task_id not in self._tasks or task_id in self._leaving:
            raise TaskNotFound(task_id)
        return self._tasks[task_id]

    async def add(self, tasks: Sequence[TaskRecord]) -> list[TaskRecord]:
        """Store new tasks, all or none; they exist when this returns. Raises TaskConflict for an id in use."""
        ids = [task.id for task in tasks]
        in_use = [task_id for task_id in ids if task_id in self._tasks or task_id in self._arriving]
        if in_use or len(set(ids)) < len(ids):
            shown = in_use[0] if in_use else ids[0]
            raise TaskConflict(f"The task id '{shown}' is in use; choose another or leave it out.")
        numbered = [self._numbered(task) for task in tasks]
        self._arriving.update(ids)
        try:
            await self._commit.write(numbered)
        finally:
            self._arriving.difference_update(ids)
        for task in numbered:
            self._show(task)
        return numbered

    def change(self, task: TaskRecord) -> TaskRecord:
        """The task's new state, in force at once; `store` makes it durable and shows it to others."""
        self._last_version += 1
        task = task.model_copy(update={"version": self._last_version})
        self._gauges.count(self._tasks.get(task.id), task)
        self._tasks[task.id] = task
        return task

    async def store(self, task: TaskRecord) -> TaskRecord:
        await self._commit.write([task])
        self.feed.publish(task.id, task)
        return task

    async def save(self, task: TaskRecord) -> TaskRecord:
        return await self.store(self.change(task))

    def show_progress(self, task: TaskRecord) -> None:
        """A new state that need not survive a restart: the run reports it again."""
        self.feed.publish(task.id, self.change(task))

    async def delete(self, task_id: str, forget_events: Callable[[str], Awaitable[None]]) -> None:
        """The id is free again when both the record and the events are gone."""
        self._leaving.add(task_id)
        try:
            await self._commit.write([task_id])
            await forget_events(task_id)
            self._gauges.count(self._tasks.pop(task_id), None)
            self.feed.publish(task_id, None)
        finally:
            self._leaving.discard(task_id)

    def _numbered(self, task: TaskRecord) -> TaskRecord:
        self._last_number += 1
        self._last_version += 1
        return task.model_copy(update={"number": self._last_number, "version": self._last_version})

    def _show(self, task: TaskRecord) -> None:
        self._gauges.count(self._tasks.get(task.id), task)
        self._tasks[task.id] = task
        self.feed.publish(task.id, task)
