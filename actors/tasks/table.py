"""All tasks in memory. The store backs them up, and the feed shows them. Only the TaskManager writes to the table.

Ended tasks are kept as text, as the store holds them. They are parsed when somebody reads them.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from actors.events.gauges import QueueGauges
from actors.events.window import Entry, warnings_in
from actors.gc_tuning import gc_paused
from actors.store.row import TaskRow, record_of
from actors.store.store import Store
from actors.tasks.feed import Change, TaskFeed
from actors.tasks.history_writer import HistoryWriter
from actors.tasks.service_entries import service_entry
from rfuav_ray.errors import TaskConflict, TaskNotFound
from rfuav_ray.events import Level
from rfuav_ray.outputs.ownership import MovedResults, with_new_paths
from rfuav_ray.tasks import ENDED_STATUSES, LIVE_STATUSES, TaskRecord


class TaskTable:
    def __init__(self, store: Store, gauges: QueueGauges) -> None:
        self._store = store
        self._gauges = gauges
        #: tasks that wait or run, and ended tasks with changes that are not published yet
        self._live: dict[str, TaskRecord] = {}
        #: ids of tasks that are being added, and of tasks that are being deleted
        self._arriving: set[str] = set()
        self._leaving: set[str] = set()
        self._last_number = 0
        self.feed = TaskFeed()
        self._writer = HistoryWriter(store, self.feed, self._live.__getitem__, self._published)

    async def load(self) -> list[TaskRecord]:
        """Load all tasks from the store. Returns those that have not ended, in the order of submission."""
        with gc_paused():
            rows = await asyncio.to_thread(self._store.load_tasks)
            for row in rows:
                self._last_number = max(self._last_number, row.number)
                if row.status in LIVE_STATUSES:
                    self._live[row.id] = record_of(row)
                self._gauges.count(None, (row.kind, row.status))
            for row in sorted(rows, key=lambda row: row.version):
                self.feed.publish(Change(row.version, row.id, row, []))
                self._writer.version = row.version
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

    async def add(
        self,
        new_tasks: Sequence[tuple[TaskRecord, Sequence[Entry]]],
        on_stored: Callable[[list[TaskRecord]], None],
    ) -> None:
        """Store new tasks, each with the first entries of its log: all of them or none.

        The tasks' ids must be reserved. After an error they are free again.

        Args:
            new_tasks: The tasks and their first entries.
            on_stored: Called with the tasks as soon as they are stored. No other code runs before it.

        Raises:
            ServiceBusy: The tasks cannot be stored.
        """
        numbered = []
        for task, entries in new_tasks:
            self._last_number += 1
            known = {"number": self._last_number, "warnings": warnings_in(entries)}
            numbered.append((task.model_copy(update=known), entries))

        def stored(rows: list[TaskRow]) -> None:
            for (task, _), row in zip(numbered, rows, strict=True):
                self._live[task.id] = task
                self._gauges.count(None, (row.kind, row.status))
            on_stored([task for task, _ in numbered])

        try:
            await self._writer.add(numbered, stored)
        finally:
            self._arriving.difference_update(task.id for task, _ in new_tasks)

    def change(self, task: TaskRecord, *entries: Entry, durable: bool = True) -> TaskRecord:
        """Put a task's new state in force at once, and return it. Readers see it when it is stored.

        Args:
            task: The new state.
            entries: New entries of the task's log. They are stored in the same transaction.
            durable: Whether the state must survive a restart. Otherwise it is shown and not stored.
        """
        before = self._live.get(task.id) or record_of(self.row(task.id))
        if (warnings := before.warnings + warnings_in(entries)) != task.warnings:
            task = task.model_copy(update={"warnings": warnings})
        self._gauges.change(before, task)
        self._live[task.id] = task
        self._writer.change(task.id, entries, durable=durable)
        return task

    def log(self, task_id: str, message: str, *, level: Level = "INFO") -> None:
        """Add an entry to the log of a task that has not ended. Does not wait until it is stored."""
        self.change(self.get(task_id), service_entry(task_id, message, level))

    async def stored(self, task_id: str) -> TaskRecord:
        """Wait until all changes of the task are stored. Returns its newest state."""
        await self._writer.stored(task_id)
        return self.get(task_id)

    async def flush(self, timeout_s: float) -> None:
        """Wait until all changes are stored, at most `timeout_s` seconds."""
        await self._writer.flush(timeout_s)

    async def move_results(self, folder: Path, moved: MovedResults, new_owner: str) -> None:
        """Correct the paths in the result of an ended task whose files were moved or deleted, and store it."""
        row = self.feed.get(moved.task_id)
        if row is None or row.status not in ENDED_STATUSES or moved.task_id in self._leaving:
            return
        task = self.get(moved.task_id)
        changes: dict[str, Any] = {"result": with_new_paths(task.result, folder, moved)}
        gone = f"Its files are gone: task {new_owner} has overwritten them."
        if moved.is_deleted and gone not in task.message:  # the call may be repeated
            changes["message"] = f"{task.message} {gone}"
        self.change(task.model_copy(update=changes))
        await self._writer.stored(moved.task_id)

    async def delete(self, task_ids: Sequence[str]) -> None:
        """Delete ended tasks and their logs: all of them or none. Then their ids are free again.

        Raises:
            ServiceBusy: The deletion cannot be stored.
        """
        rows = [row for task_id in task_ids if task_id not in self._leaving and (row := self.feed.get(task_id))]
        self._leaving.update(task_ids)
        try:
            await self._writer.delete(task_ids)
        finally:
            self._leaving.difference_update(task_ids)
        for row in rows:
            self._gauges.count((row.kind, row.status), None)

    def _published(self, changes: Sequence[Change]) -> None:
        """Forget the records that nobody changes any more: those of ended and of deleted tasks."""
        for _, task_id, row, _ in changes:
            is_live = row is not None and row.status in LIVE_STATUSES
            if not is_live and not self._writer.is_pending(task_id):
                self._live.pop(task_id, None)
