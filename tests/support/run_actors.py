"""The TaskManager that a run reports to, without Ray: the real table and store. It can be away for some calls."""

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from ray.exceptions import ActorUnavailableError

from actors.events.gauges import QueueGauges
from actors.runs.spec import Instruction, ReportAnswer, RunReport
from actors.store.row import TaskRow
from actors.store.store import EventRow, Store, database_url
from actors.tasks.reports import Reports
from actors.tasks.scheduler import Scheduler
from actors.tasks.table import TaskTable
from rfuav_ray.errors import ServiceBusy
from rfuav_ray.tasks import TaskRecord, TaskStatus, advance
from tests.support.actor_handles import ActorThread
from tests.support.sample_tasks import a_task

#: what becomes of one call
Failure = Literal["away", "answer lost"]


class _Store(Store):
    is_full = False

    def commit(self, rows: Sequence[TaskRow], new_events: Sequence[EventRow], deleted: Sequence[str]) -> None:
        if self.is_full:
            raise ServiceBusy("The disk is full.", 5)
        super().commit(rows, new_events, deleted)


class Manager:
    """Accepts the reports of one run of the task `task`, and fails as the test says."""

    def __init__(self, folder: Path) -> None:
        self.store = _Store(database_url("", folder))
        self.table = TaskTable(self.store, QueueGauges())
        self._scheduler = Scheduler(lambda device: 0.0)
        self._reports = Reports(self.table, self._scheduler, lambda report: None)
        #: of the next calls, in order
        self.failures: list[Failure] = []
        #: how many entries each report had
        self.batches: list[int] = []
        #: is called while a report with entries is on its way
        self.on_report: Callable[[], None] = lambda: None
        self.is_asked = threading.Event()

    async def report(self, report: RunReport) -> ReportAnswer:
        failure = self.failures.pop(0) if self.failures else None
        self.batches.append(len(report.entries))
        self.is_asked.set()
        if report.entries:
            self.on_report()
        if failure == "away":
            raise ActorUnavailableError("The actor is restarting.", None)
        if self.table.get("task").run_id != report.run_id:
            attempt = int(report.run_id.rpartition(":")[2])
            self.table.change(self.table.get("task").evolve(attempt=attempt), durable=False)
        answer = await self._reports.accept(report)
        if failure == "answer lost":
            raise ActorUnavailableError("The actor died before it answered.", None)
        return answer

    async def instruct(self, instruction: Instruction) -> None:
        """The answer to the next reports."""
        self._scheduler.is_stopping = instruction == "interrupt"
        if instruction == "cancel":
            self.table.change(self.table.get("task").evolve(cancel_requested=True), durable=False)

    async def begin(self) -> None:
        """Store the task."""
        task = advance(a_task(id="task"), TaskStatus.RUNNING)
        await self.table.add([(task, [{"message": "accepted"}])], lambda _: None)


class RunActors:
    def __init__(self, folder: Path, thread: ActorThread) -> None:
        self._thread = thread
        self.manager = Manager(folder)
        self.handle = thread.handle(self.manager)
        thread.call(self.manager.begin).result()

    def instruct(self, instruction: Instruction) -> None:
        self._thread.call(self.manager.instruct, instruction).result()

    def task(self) -> TaskRecord:
        """The task's newest state."""
        return self.manager.table.get("task")

    def log(self) -> list[dict[str, Any]]:
        """The stored entries of the run."""
        return [json.loads(entry) for _, entry in self.manager.store.read_events("task", 1, 10_000)]

    def messages(self) -> list[str]:
        return [entry["message"] for entry in self.log()]
