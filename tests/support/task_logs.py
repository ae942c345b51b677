"""The logs of tasks, as a started TaskManager has stored them, and entries that a test adds."""

import json
from collections.abc import Sequence
from typing import Any

import ray

from actors import names
from actors.events.window import Entry
from actors.store.store import Store
from rfuav_ray.client import RFUAVClient
from rfuav_ray.tasks import ENDED_STATUSES


class TaskLogs:
    def __init__(self, manager: Any, store: Store) -> None:
        self._manager = manager
        self._store = store

    def entries(self, task_id: str = "task-1") -> list[dict[str, Any]]:
        return [json.loads(entry) for _, entry in self._store.read_events(task_id, 0, 10_000)]

    def messages(self, task_id: str = "task-1") -> list[str]:
        return [entry["message"] for entry in self.entries(task_id)]

    async def when_ended(self, task_id: str = "task-1") -> list[str]:
        """Wait for the end of the task. Returns the messages of its log."""
        incarnation, version = "", 0
        while (await self._manager.get(task_id)).status not in ENDED_STATUSES:
            page = await self._manager.changes(incarnation, version, 10)
            incarnation, version = page.incarnation, page.version
        return self.messages(task_id)


def write_log(client: RFUAVClient, task_id: str, entries: Sequence[Entry]) -> None:
    """Add entries to the log of a task of the running service. Returns when the API shows them."""
    last = ray.get(ray.get_actor(names.TASK_MANAGER, names.NAMESPACE).log.remote(task_id, entries))
    while not client.get_logs(task_id, after=last - 1, limit=1):
        """The replica gets them in a moment."""
