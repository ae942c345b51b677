"""What the TaskManager itself writes into a task's event log: accepted, started, lost, ended."""

import asyncio
import logging
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from ray.exceptions import RayError

from actors.event_log import Entry
from rfuav_ray.events import Level
from rfuav_ray.tasks import TaskRecord, TaskStatus

logger = logging.getLogger("rfuav.tasks")

RETRY_S = 0.5


class Journal:
    """Each entry is sent until the MetricsActor has it; one that arrives twice is stored once."""

    def __init__(self, metrics_actor: Any) -> None:
        self._metrics_actor = metrics_actor
        self._on_the_way: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)

    def write(self, task_id: str, message: str, *, level: Level = "INFO") -> None:
        """Does not wait for the entry to be stored."""
        self._send(task_id, _entry(message, level))

    def close(self, task: TaskRecord) -> "asyncio.Task[None]":
        """Write the last event of the stream, after all that was written before."""
        level: Level = "ERROR" if task.status is TaskStatus.FAILED else "INFO"
        return self._send(task.id, _entry(task.message, level, stage="completed", status=task.status.value))

    async def closed_streams(self) -> set[str]:
        """The tasks whose stream has its last event."""
        while True:
            try:
                closed: set[str] = await self._metrics_actor.closed_streams.remote()
                return closed
            except RayError as error:
                logger.warning("the metrics actor does not answer, trying again: %s", error)
                await asyncio.sleep(RETRY_S)

    async def flush(self, timeout_s: float) -> None:
        """Wait for the entries that are on their way now."""
        on_the_way = [sending for sendings in self._on_the_way.values() for sending in sendings]
        if on_the_way:
            await asyncio.wait(on_the_way, timeout=timeout_s)

    async def forget(self, task_ids: Sequence[str]) -> None:
        """Drop the tasks' events, those on their way too."""
        await asyncio.gather(*(sending for task_id in task_ids for sending in self._on_the_way.get(task_id, ())))
        await self._metrics_actor.forget.remote(task_ids)

    def _send(self, task_id: str, entry: Entry) -> "asyncio.Task[None]":
        logger.log(getattr(logging, entry["level"]), "%s: %s", task_id, entry["message"])
        earlier = list(self._on_the_way[task_id])
        sending = asyncio.create_task(self._deliver(task_id, entry, earlier))
        self._on_the_way[task_id].add(sending)
        sending.add_done_callback(lambda done: self._delivered(task_id, done))
        return sending

    async def _deliver(self, task_id: str, entry: Entry, earlier: "list[asyncio.Task[None]]") -> None:
        if earlier:
            await asyncio.wait(earlier)
        # A source of its own: its number says whether the log has this entry, and nothing of the others.
        source = f"task manager {uuid.uuid4().hex}"
        while True:
            try:
                await self._metrics_actor.append.remote(task_id, source, 0, [entry])
                return
            except RayError as error:
                logger.warning("the metrics actor did not take an entry, trying again: %s", error)
                await asyncio.sleep(RETRY_S)

    def _delivered(self, task_id: str, done: "asyncio.Task[None]") -> None:
        self._on_the_way[task_id].discard(done)
        if not self._on_the_way[task_id]:
            del self._on_the_way[task_id]


def _entry(message: str, level: Level, **fields: Any) -> Entry:
    return {
        "timestamp": datetime.now(timezone.utc).isoformat(),
        "level": level,
        "message": message,
        **fields,
    }
