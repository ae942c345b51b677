"""All tasks in memory. The store backs them up, and the feed shows them. Only the TaskManager writes to the table.

Ended tasks are kept as text, as the store holds them. They are parsed when somebody reads them.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from actors.background import with_retries
from actors.batching import GroupCommit
from actors.events.event_log import EventRow
from actors.events.gauges import QueueGauges
from actors.gc_tuning import gc_paused
from actors.store.store import Store, TaskChange
from actors.tasks.feed import TaskFeed
from actors.tasks.row import TaskRow, record_of, row_of
from actors.tasks.task_log import Journal
from rfuav_ray.errors import TaskConflict, TaskNotFound
from rfuav_ray.outputs.ownership import MovedResults, with_new_paths
from rfuav_ray.tasks import ENDED_STATUSES, LIVE_STATUSES, TaskRecord


class TaskTable:
    def __init__(self, store: Store, gauges: QueueGauges) -> None:
        self._store = store
        self._gauges = gauges
        self._commit: GroupCommit[TaskChange] = GroupCommit(store.write_tasks)
        #: tasks that wait or run, and ended tasks whose end is not stored yet
        self._live: dict[str, TaskRecord] = {}
        #: ids of tasks that are being added, and of tasks that are being deleted
        self._arriving: set[str] = set()
        self._leaving: set[str] = set()
        self._last_number = 0
        self._last_version = 0
        self.feed = TaskFeed()

    async def load(self) -> list[TaskRecord]:
        """Load all tasks from the store. Returns those that have not ended, in the order of submission."""
        with gc_paused():
            for row in await asyncio.to_thread(self._store.load_tasks):
                self._last_number = max(self._last_number, row.number)
                self._last_version = max(self._last_version, row.version)
                if row.status in LIVE_STATUSES:
                    self._live[row.id] = record_of(row)
                self._gauges.count(None, (row.kind, row.status))
                self.feed.publish(row)
        return list(self._live.values())

    @property
    def arriving(self) -> int:
        return len(self._arriving)

    def ended(self) -> list[TaskRow]:
        return [row for row in self.feed.rows() if row.status in ENDED_STATUSES]

    def get(self, task_id: str) -> TaskRecord:
        """Return the newest state of a task.

        Raises:
            TaskNotFound: There is no such task.
        """
        if task_id not in self._leaving:
            if task := self._live.get(task_id):
                return task
            if row := self.feed.get(task_id):
                return record_of(row)
        raise TaskNotFound(task_id)

    def row(self, task_id: str) -> TaskRow:
        """Return the task as readers of the feed see it.

        Raises:
            TaskNotFound: There is no such task.
        """
        if row := self.feed.get(task_id):
            return row
        raise TaskNotFound(task_id)

    def reserve(self, task_ids: Sequence[str]) -> None:
        """Reserve the ids of tasks that are added next: all of them or none.

        Raises:
            TaskConflict: An id is in use.
        """
        in_use = [task_id for task_id in task_ids if task_id in self._arriving or self.feed.get(task_id)]
        if in_use or len(set(task_ids)) < len(task_ids):
            shown = in_use[0] if in_use else task_ids[0]
            raise TaskConflict(f"The task id '{shown}' is in use; choose another or leave it out.")
        self._arriving.update(task_ids)

    async def add(self, new_tasks: Sequence[tuple[TaskRecord, EventRow]]) -> list[TaskRecord]:
        """Store new tasks, each with the first event of its log: all of them or none.

        The tasks' ids must be reserved. After an error they are free again.

        Raises:
            ServiceBusy: The tasks cannot be stored.
        """
        try:
            numbered = [self._numbered(task) for task, _ in new_tasks]
            rows = [row_of(task) for task in numbered]
            await self._commit.write([*rows, *(event for _, event in new_tasks)])
        finally:
            self._arriving.difference_update(task.id for task, _ in new_tasks)
        for task, row in zip(numbered, rows, strict=True):
            self._live[task.id] = task
            self._gauges.count(None, (row.kind, row.status))
            self.feed.publish(row)
        return numbered

    def change(self, task: TaskRecord) -> TaskRecord:
        """Put a task's new state in force at once, and return it. `store` makes it durable and visible."""
        self._last_version += 1
        task = task.model_copy(update={"version": self._last_version})
        before = self._live[task.id]
        self._gauges.count((before.kind, before.status.value), (task.kind, task.status.value))
        self._live[task.id] = task
        return task

    async def store(self, task: TaskRecord) -> TaskRecord:
        """Store the task's state, then show it to readers.

        Raises:
            ServiceBusy: The state cannot be stored.
        """
        row = row_of(task)
        await self._commit.write([row])
        self.feed.publish(row)
        if task.status.is_ended:
            self._live.pop(task.id, None)
        return task

    async def store_with_retries(self, task_id: str) -> None:
        """Store the task's current state. Tries again until the store accepts it."""

        async def store() -> None:
            with suppress(TaskNotFound):  # deleted in the meantime
                await self.store(self.get(task_id))

        await with_retries(store, f"the state of task {task_id}")

    async def save(self, task: TaskRecord) -> TaskRecord:
        return await self.store(self.change(task))

    async def move_results(self, folder: Path, moved: MovedResults) -> None:
        """Correct the paths in the result of an ended task whose files have been moved.

        Raises:
            ServiceBusy: The result cannot be stored.
        """
        row = self.feed.get(moved.task_id)
        if row is None or row.status not in ENDED_STATUSES or moved.task_id in self._leaving:
            return
        task = record_of(row)
        self._last_version += 1
        changes = {"result": with_new_paths(task.result, folder, moved), "version": self._last_version}
        row = row_of(task.model_copy(update=changes))
        await self._commit.write([row])
        if self.feed.get(row.id) is not None:  # else the task was deleted meanwhile
            self.feed.publish(row)

    def show_progress(self, task: TaskRecord) -> None:
        """Show a state that need not survive a restart, because the run reports it again."""
        self.feed.publish(row_of(self.change(task)))

    async def delete(self, task_ids: Sequence[str], journal: Journal) -> None:
        """Delete ended tasks. Their ids are free again when both the records and the events are gone.

        After an error the tasks still exist, and the rest of their logs has a last event.
        """
        self._leaving.update(task_ids)
        try:
            # The events first: leftover events would become part of the log of a new task with the same id.
            await journal.forget(task_ids)
            await self._commit.write(task_ids)
            for task_id in task_ids:
                if row := self.feed.get(task_id):
                    self._gauges.count((row.kind, row.status), None)
                    self.feed.delete(task_id)
        except Exception:
            for task_id in task_ids:
                if row := self.feed.get(task_id):
                    journal.close(record_of(row))
            raise
        finally:
            self._leaving.difference_update(task_ids)

    def _numbered(self, task: TaskRecord) -> TaskRecord:
        self._last_number += 1
        self._last_version += 1
        return task.model_copy(update={"number": self._last_number, "version": self._last_version})
