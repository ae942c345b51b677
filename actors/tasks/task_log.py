"""The events that the TaskManager itself writes into a task's log: started, lost, ended."""

import asyncio
import logging
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ray.exceptions import RayError

from actors.batching import Batcher
from actors.events.event_log import Entry, EventReport
from rfuav_ray.events import Level
from rfuav_ray.tasks import TaskRecord, TaskStatus

logger = logging.getLogger(__name__)

RETRY_S = 0.5


class Journal:
    """Sends entries in order until the MetricsActor has them. An entry that arrives twice is stored once."""

    def __init__(self, metrics_actor: Any) -> None:
        self._metrics_actor = metrics_actor
        #: task id and entry
        self._notes: Batcher[tuple[str, Entry], None] = Batcher(self._deliver)

    def write(self, task_id: str, message: str, *, level: Level = "INFO") -> None:
        """Add an entry. Does not wait until it is stored."""
        self._put(task_id, log_entry(message, level))

    def close(self, task: TaskRecord) -> "asyncio.Future[None]":
        """Write the last event of the task's stream, after all earlier entries."""
        level: Level = "ERROR" if task.status is TaskStatus.FAILED else "INFO"
        return self._put(task.id, log_entry(task.message, level, stage="completed", status=task.status.value))

    async def closed_streams(self) -> set[str]:
        """The ids of the tasks whose stream's last event is stored. Waits for the MetricsActor."""
        while True:
            try:
                closed: set[str] = await self._metrics_actor.closed_streams.remote()
                return closed
            except RayError as error:
                logger.warning("the metrics actor does not answer, trying again: %s", error)
                await asyncio.sleep(RETRY_S)

    async def flush(self, timeout_s: float | None = None) -> None:
        """Wait until all entries added so far are stored, at most `timeout_s` seconds."""
        await asyncio.wait({asyncio.create_task(self._notes.handed_over())}, timeout=timeout_s)

    async def forget(self, task_ids: Sequence[str]) -> None:
        """Delete the tasks' events, including those that are not stored yet."""
        await self.flush()
        await self._metrics_actor.forget.remote(task_ids)

    def _put(self, task_id: str, entry: Entry) -> "asyncio.Future[None]":
        logger.log(getattr(logging, entry["level"]), "%s: %s", task_id, entry["message"])
        return self._notes.put((task_id, entry))

    async def _deliver(self, notes: list[tuple[str, Entry]]) -> list[None]:
        # Each batch is a source of its own, so that its indexes cover only these entries when they are sent again.
        source = f"task manager {uuid.uuid4().hex}"
        reports: dict[str, EventReport] = {}
        for task_id, entry in notes:
            reports.setdefault(task_id, EventReport(task_id, source, 0, [])).entries.append(entry)
        waiting = list(reports.values())
        while waiting := await self._refused(waiting):  # noqa: ASYNC110
            await asyncio.sleep(RETRY_S)
        return [None] * len(notes)

    async def _refused(self, reports: list[EventReport]) -> list[EventReport]:
        """Send the reports. Returns those that must be sent again."""
        errors: Sequence[Exception | None]
        try:
            errors = await self._metrics_actor.append_batch.remote(reports)
        except RayError as error:
            errors = [error] * len(reports)
        refused = [report for report, error in zip(reports, errors, strict=True) if error is not None]
        if refused:
            reason = next(error for error in errors if error is not None)
            logger.warning("the metrics actor did not accept %d reports, trying again: %s", len(refused), reason)
        return refused


def log_entry(message: str, level: Level = "INFO", **fields: Any) -> Entry:
    """An entry with the current time."""
    return {
        "timestamp": datetime.now(UTC).isoformat(),
        "level": level,
        "message": message,
        **fields,
    }
