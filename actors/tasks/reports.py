"""Accepts the reports of runs: their log entries and their progress, in one change of the task."""

import asyncio
from collections.abc import Callable
from typing import Any

from actors.runs.spec import Instruction, Progress, ReportAnswer, RunReport
from actors.tasks.scheduler import Scheduler
from actors.tasks.service_entries import log_warnings
from actors.tasks.table import TaskTable
from rfuav_ray.errors import TaskNotFound
from rfuav_ray.tasks import TaskRecord, TaskStatus

#: how often a run reports while few runs work
REPORT_EVERY_S = 0.4
#: Reports of many runs together stay below this rate. Measured on 2 cores: see docs/performance.md.
REPORTS_PER_S = 500
#: The answer to a report comes within this time, stored or not: an instruction must reach the run in any case.
STORED_WITHIN_S = 2.0


class Reports:
    def __init__(self, table: TaskTable, scheduler: Scheduler, heard: Callable[[RunReport], None]) -> None:
        """`heard` is called with every report of an active run."""
        self._table = table
        self._scheduler = scheduler
        self._heard = heard

    async def accept(self, report: RunReport) -> ReportAnswer:
        """Record a report. Entries of an earlier report that arrive again are not recorded twice."""
        task = self._task_of(report)
        if task is None:
            return ReportAnswer("interrupt", is_stored=True, next_report_s=REPORT_EVERY_S)
        self._heard(report)
        new = report.entries[max(0, task.reported_entries - report.first_index) :]
        changes = _changes(task, report.progress)
        if new:
            changes["reported_entries"] = report.first_index + len(report.entries)
            log_warnings(task.id, new)
        if changes:
            self._table.change(task.evolve(**changes), *new, durable=bool(new))
        is_stored = not report.entries or await self._is_stored(task.id)
        return ReportAnswer(self._instruction(report), is_stored, self._next_report_s())

    def _task_of(self, report: RunReport) -> TaskRecord | None:
        """The task of the run; None if another run has the task by now, or the task is gone."""
        try:
            task = self._table.get(report.task_id)
        except TaskNotFound:
            return None
        return task if task.status is TaskStatus.RUNNING and task.run_id == report.run_id else None

    async def _is_stored(self, task_id: str) -> bool:
        try:
            await asyncio.wait_for(self._table.stored(task_id), STORED_WITHIN_S)
        except TimeoutError:
            return False
        except TaskNotFound:  # it ended and was deleted meanwhile
            return True
        return True

    def _instruction(self, report: RunReport) -> Instruction:
        task = self._task_of(report)
        if task is None:
            return "interrupt"  # another run has the task: do not touch its files
        if task.cancel_requested:
            return "cancel"
        return "interrupt" if self._scheduler.is_stopping else "continue"

    def _next_report_s(self) -> float:
        return max(REPORT_EVERY_S, len(self._scheduler.slots) / REPORTS_PER_S)


def _changes(task: TaskRecord, progress: Progress) -> dict[str, Any]:
    known = {
        "progress": progress.percent,
        "current_epoch": progress.epoch,
        "message": progress.message,
        "latest_metrics": progress.metrics,
        "reported_epoch": max(task.reported_epoch, progress.metrics["epoch"] if progress.metrics else 0),
    }
    return {name: value for name, value in known.items() if value is not None and value != getattr(task, name)}
