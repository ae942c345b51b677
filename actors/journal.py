"""What the TaskManager itself writes into a task's event log: accepted, started, lost, ended."""

import asyncio
import logging
import uuid
from collections import defaultdict
from datetime import datetime, timezone
from typing import Any

from actors.event_log import Entry
from rfuav_ray.events import Level
from rfuav_ray.tasks import TaskRecord, TaskStatus

logger = logging.getLogger("rfuav.tasks")


class Journal:
    """Entries of one task arrive in the order of the calls."""

    def __init__(self, metrics_actor: Any) -> None:
        self._metrics_actor = metrics_actor
        #: a new life numbers its entries anew
        self._source = f"task manager {uuid.uuid4().hex[:12]}"
        self._written: defaultdict[str, int] = defaultdict(int)
        self._waiting: set[asyncio.Task[None]] = set()

    def write(self, task_id: str, message: str, *, level: Level = "INFO") -> None:
        """Does not wait for the entry to be stored."""
        waiting = asyncio.ensure_future(_wait(self._send(task_id, message, level)))
        self._waiting.add(waiting)
        waiting.add_done_callback(self._waiting.discard)

    async def close(self, task: TaskRecord) -> None:
        """Write the last event of the stream."""
        level: Level = "ERROR" if task.status is TaskStatus.FAILED else "INFO"
        await self._send(task.id, task.message, level, stage="completed", status=task.status.value)
        self._written.pop(task.id, None)

    async def forget(self, task_id: str) -> None:
        await self._metrics_actor.forget.remote(task_id)

    def _send(self, task_id: str, message: str, level: Level, **fields: Any) -> Any:
        logger.log(getattr(logging, level), "%s: %s", task_id, message)
        entry: Entry = {
            "timestamp": datetime.now(timezone.utc).isoformat(),
            "level": level,
            "message": message,
            **fields,
        }
        index = self._written[task_id]
        self._written[task_id] = index + 1
        return self._metrics_actor.append.remote(task_id, self._source, index, [entry])


async def _wait(ref: Any) -> None:
    await ref
