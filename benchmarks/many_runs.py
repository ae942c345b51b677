"""Thousands of runs report at the same time to the real table, store and reports of a TaskManager, over Ray.

The runs are simulated: each sends progress when the answer says so, and a log entry with every tenth report.
"""

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import ray

from actors.events.gauges import QueueGauges
from actors.events.window import log_entry
from actors.runs.spec import Progress, ReportAnswer, RunReport
from actors.store.setup import prepare_store
from actors.store.store import Store, database_url
from actors.tasks.reports import Reports
from actors.tasks.scheduler import Scheduler
from actors.tasks.table import TaskTable
from benchmarks.figures import Figure, run_alone
from rfuav_ray.tasks import TaskRecord, TaskStatus, advance

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CLIENTS = 2
ENTRY_EVERY = 10


class Manager:
    """The part of the TaskManager that accepts reports."""

    def __init__(self, folder: str) -> None:
        self._store = Store(database_url("", Path(folder)))
        self._scheduler = Scheduler(lambda device: 0.0)

    async def begin(self, count: int) -> None:
        self._table = TaskTable(self._store, QueueGauges())
        self._reports = Reports(self._table, self._scheduler, lambda report: None)
        tasks = [_running(number) for number in range(count)]
        for task in tasks:
            self._scheduler.slots.hold(task.id, "cpu", task.kind, 0.0)
        await self._table.add([(task, [log_entry("accepted")]) for task in tasks], lambda _: None)

    async def report(self, report: RunReport) -> ReportAnswer:
        return await self._reports.accept(report)

    async def cpu_s(self) -> float:
        times = psutil.Process().cpu_times()
        return times.user + times.system


class Runs:
    """Some of the runs."""

    async def work(self, manager: Any, first: int, last: int, seconds: float) -> list[float]:
        """Report until the time is over. Returns the time of each report in ms."""
        end_s = time.monotonic() + seconds
        times: list[float] = []
        await asyncio.gather(*(self._run(manager, number, end_s, times) for number in range(first, last)))
        return times

    async def _run(self, manager: Any, number: int, end_s: float, times: list[float]) -> None:
        delivered, reports, run_id = 0, 0, _running(number).run_id
        while time.monotonic() < end_s:
            reports += 1
            entries = [log_entry(f"step {reports}")] if reports % ENTRY_EVERY == 0 else []
            progress = Progress(percent=min(99.0, reports / 10))
            sent_s = time.monotonic()
            report = RunReport(run_id, f"run-{number}", delivered, entries, progress)
            answer = await manager.report.remote(report)
            times.append(1000 * (time.monotonic() - sent_s))
            delivered += len(entries) if answer.is_stored else 0
            await asyncio.sleep(answer.next_report_s)


def measure(runs: int = 3, count: int = 2000, seconds: int = 15) -> list[Figure]:
    cores, rates, slowest = [], [], []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            prepare_store(database_url("", Path(folder)))
            ray.init(address="local", include_dashboard=False, log_to_driver=False, num_cpus=4)
            manager = ray.remote(Manager).options(num_cpus=0, max_concurrency=20_000).remote(folder)
            ray.get(manager.begin.remote(count))
            clients = [ray.remote(Runs).options(num_cpus=0).remote() for _ in range(CLIENTS)]
            before_s, began_s = ray.get(manager.cpu_s.remote()), time.monotonic()
            part = count // CLIENTS
            working = [c.work.remote(manager, i * part, (i + 1) * part, seconds) for i, c in enumerate(clients)]
            times = sorted(ms for found in ray.get(working) for ms in found)
            elapsed_s = time.monotonic() - began_s
            cores.append((ray.get(manager.cpu_s.remote()) - before_s) / elapsed_s)
            rates.append(len(times) / elapsed_s)
            slowest.append(times[len(times) * 99 // 100])
            ray.shutdown()
    work = f"{count} runs report"
    return [
        Figure(work=f"{work}: cores of the TaskManager", values=cores, at_most=1),
        Figure(work=f"{work}: reports/s", values=rates),
        Figure(work=f"{work}: p99, ms", values=slowest),
    ]


def _running(number: int) -> TaskRecord:
    task = TaskRecord(
        id=f"run-{number}",
        kind="inference",
        request={},
        priority=5,
        number=number,
        wanted_device="cpu",
        created_at=BEGIN,
        updated_at=BEGIN,
    )
    return advance(task, TaskStatus.RUNNING, attempt=1)


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3, count=2000, seconds=15)
