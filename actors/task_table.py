"""All tasks in memory, backed by the store, shown through the feed. Only the TaskManager writes to it."""

import asyncio
from collections.abc import Sequence

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
        self._commit: GroupCommit[TaskRecord] = GroupCommit(store.save_tasks)
        self._tasks: dict[str, TaskRecord] = {}
        #: ids of submissions on their way to the store
        self._arriving: set[str] = set()
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

    def get(self, task_id: str) -> TaskRecord:
        """Raises TaskNotFound."""
        try:
            return self._tasks[task_id]
        except KeyError:
            raise TaskNotFound(task_id) from None

    async def add(self, tasks: Sequence[TaskRecord]) -> list[TaskRecord]:
        """Store new tasks, all or none; they exist when this returns. Raises TaskConflict for an id in use."""
        ids = [task.id for task in tasks]
        for index, task_id in enumerate(ids):
            if task_id in self._tasks or task_id in self._arriving or task_id in ids[:index]:
                raise TaskConflict(f"The task id '{task_id}' is in use; choose another or leave it out.")
        numbered = [self._numbered(task) for task in tasks]
        self._arriving.update(ids)
        try:
            await self._commit.write(numbered)
        finally:
            self._arriving.difference_update(ids)
        for task in numbered:
            self._show(task)
        return numbered

    async def save(self, task: TaskRecord) -> TaskRecord:
        """The task's new state: in force at once, shown to others when it is stored."""
        current = self._put(task)
        await self._commit.write([current])
        self.feed.publish(current.id, current)
        return current

    def show_progress(self, task: TaskRecord) -> None:
        """A new state that need not survive a restart: the run reports it again."""
        self.feed.publish(task.id, self._put(task))

    async def delete(self, task_id: str) -> None:
        task = self._tasks.pop(task_id)
        await asyncio.to_thread(self._store.delete_task, task_id)
        self._gauges.count(task, None)
        self.feed.publish(task_id, None)

    def _numbered(self, task: TaskRecord) -> TaskRecord:
        self._last_number += 1
        self._last_version += 1
        return task.model_copy(update={"number": self._last_number, "version": self._last_version})

    def _show(self, task: TaskRecord) -> None:
        self._gauges.count(self._tasks.get(task.id), task)
        self._tasks[task.id] = task
        self.feed.publish(task.id, task)

    def _put(self, task: TaskRecord) -> TaskRecord:
        self._last_version += 1
        task = task.model_copy(update={"version": self._last_version})
        self._gauges.count(self._tasks.get(task.id), task)
        self._tasks[task.id] = task
        return task
