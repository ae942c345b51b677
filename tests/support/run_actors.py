"""The two actors that a run reports to, without Ray. Both can be away for some calls."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from ray.exceptions import ActorUnavailableError

from actors.events.event_log import EventReport
from actors.runs.spec import Instruction, Progress
from rfuav_ray.errors import ServiceBusy
from tests.support.actor_handles import ActorThread
from tests.support.metrics import metrics_actor

#: what becomes of one call
Failure = Literal["away", "answer lost", "disk full"]


class ShakyMetrics:
    """The real MetricsActor, which fails as the test says."""

    def __init__(self, folder: Path) -> None:
        self.actor = metrics_actor(folder)
        #: of the next calls, in order
        self.failures: list[Failure] = []
        #: of all calls
        self.disk_is_full = False
        #: is called while a report is on its way
        self.on_append: Callable[[], None] = lambda: None
        #: how many entries each call of `append` had
        self.batches: list[int] = []

    async def append(self, report: EventReport) -> None:
        self.batches.append(len(report.entries))
        failure = self._next_failure()
        self.on_append()
        await self.actor.append(report)
        if failure == "answer lost":
            raise ActorUnavailableError("The actor died before it answered.", None)

    async def last_epoch(self, task_id: str) -> int:
        self._next_failure()
        return await self.actor.last_epoch(task_id)

    def _next_failure(self) -> Failure | None:
        failure = self.failures.pop(0) if self.failures else None
        if self.disk_is_full or failure == "disk full":
            raise ServiceBusy("The disk is full.", 5)
        if failure == "away":
            raise ActorUnavailableError("The actor is restarting.", None)
        return failure


class Orders:
    """A TaskManager that answers every report with the same order."""

    def __init__(self) -> None:
        self.order: Instruction = "continue"
        #: how many of the next calls fail
        self.failures = 0
        self.reports: list[tuple[str, int, Progress]] = []
        self.is_asked = threading.Event()

    async def report_progress(self, task_id: str, attempt: int, progress: Progress) -> Instruction:
        if self.failures:
            self.failures -= 1
            raise ActorUnavailableError("The actor is restarting.", None)
        self.reports.append((task_id, attempt, progress))
        self.is_asked.set()
        return self.order

    @property
    def last(self) -> Progress:
        return self.reports[-1][2]


class RunActors:
    def __init__(self, folder: Path, thread: ActorThread) -> None:
        self._thread = thread
        self.metrics = ShakyMetrics(folder)
        self.orders = Orders()
        self.metrics_handle = thread.handle(self.metrics)
        self.orders_handle = thread.handle(self.orders)

    def log(self, task_id: str = "task") -> list[dict[str, Any]]:
        """The stored entries of the task's log."""
        page = self._thread.call(self.metrics.actor.read, task_id).result()
        return [json.loads(entry) for _, entry in page.events]

    def messages(self, task_id: str = "task") -> list[str]:
        return [entry["message"] for entry in self.log(task_id)]
