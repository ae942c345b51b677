"""A TaskManager's feed and a MetricsActor as plain objects, over a store in a folder of the test."""

import json
from pathlib import Path
from typing import Any

from actors.events.metrics_actor import MetricsActor
from actors.store.row import TaskRow
from actors.store.store import EventRow, Store, database_url
from actors.tasks.feed import Change, FeedPage, TaskFeed
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskStatus
from tests.support.actor_handles import LocalHandle
from tests.support.sample_tasks import a_row


class FeedOfTasks:
    """Stores and publishes changes as the TaskManager does."""

    def __init__(self, folder: Path) -> None:
        self.url = database_url("", folder)
        self.store = Store(self.url)
        self.feed = TaskFeed()
        self._version = 0
        self._rows: dict[str, TaskRow] = {}

    async def changes(self, incarnation: str, after: int, wait_s: float) -> FeedPage:
        return await self.feed.read(incarnation, after, wait_s)

    def write(
        self, task_id: str, *messages: str, status: TaskStatus = TaskStatus.RUNNING, number: int = 1
    ) -> None:
        """A new state of a task, with new entries of its log."""
        self._version += 1
        known = self._rows.get(task_id)
        last = 0 if known is None else known.last_sequence
        entries = [json.dumps({"message": message}) for message in messages]
        events = [(last + index, entry) for index, entry in enumerate(entries, 1)]
        row = a_row(number, id=task_id, status=status, version=self._version)
        row = row._replace(last_sequence=last + len(events))
        self._rows[task_id] = row
        self.store.commit([row], [EventRow(task_id, *event) for event in events], [])
        self.feed.publish(Change(self._version, task_id, row, events))

    def delete(self, task_id: str) -> None:
        self._version += 1
        del self._rows[task_id]
        self.store.commit([], [], [task_id])
        self.feed.publish(Change(self._version, task_id, None, []))


def metrics_actor(tasks: Any, folder: Path) -> MetricsActor:
    """An actor that repeats the feed of `tasks`."""
    settings = Settings(_env_file=None, log_file=folder / "app.log")
    return MetricsActor(database_url("", folder), settings, LocalHandle(tasks))
