"""Delivers a run's reports from its worker to the TaskManager, in batches, and brings back the order to stop."""

import logging
import threading
import time
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, cast

import ray
from ray.exceptions import ActorDiedError, RayError

from actors import names
from actors.events.window import Entry
from actors.runs.spec import Instruction, Progress, ReportAnswer, RunReport, RunSpec
from rfuav_ray.api.results import EpochMetrics
from rfuav_ray.errors import RunCancelled, RunInterrupted
from rfuav_ray.events import RunEvent, clean
from rfuav_ray.machine.gpu_memory import used_gpu_memory
from rfuav_ray.objects.shown import shown
from rfuav_ray.tasks import now

logger = logging.getLogger(__name__)

#: pause before the first report; each answer says when the next one is due
FIRST_REPORT_AFTER_S = 0.4
#: pause between two tries to deliver the last report
RETRY_S = 1.0
#: a run blocks while this many entries are not delivered
MAX_WAITING_ENTRIES = 10_000
#: how long the last report may wait for a TaskManager that restarts, or for free space on its disk
FLUSH_TIMEOUT_S = 3600.0


class Reporter:
    """A context manager. Leaving it delivers the remaining entries."""

    def __init__(self, spec: RunSpec, task_manager_actor: Any) -> None:
        self._spec = spec
        self._task_manager_actor = task_manager_actor
        self._lock = threading.Condition()
        self._entries: list[Entry] = []
        #: number of entries that are acknowledged
        self._delivered = 0
        self._progress = Progress()
        self._order: Instruction = "continue"
        self._pause_s = 0.0
        #: when the work last reported; None while it waits here, and after its end
        self._heard_at_s: float | None = time.monotonic()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="reporter", daemon=True)

    def report(self, event: RunEvent) -> None:
        """Accept an event for delivery. Blocks while too many entries are not delivered.

        Raises:
            RunCancelled: A client cancelled the task.
            RunInterrupted: The run has to end, and keep its work for a later run.
        """
        with self._lock:
            self._heard_at_s = None
            self._lock.wait_for(lambda: self._order != "continue" or len(self._entries) < MAX_WAITING_ENTRIES)
            if self._order != "continue":
                raise RunCancelled if self._order == "cancel" else RunInterrupted
            if event.message:
                self._entries.append(_entry(event))
            self._progress = _merge(self._progress, event)
            self._heard_at_s = time.monotonic()

    def note(self, event: RunEvent) -> None:
        """Accept an event from code that cannot stop the run: neither blocks nor raises."""
        with self._lock:
            if len(self._entries) < MAX_WAITING_ENTRIES:
                self._entries.append(_entry(event))

    def __enter__(self) -> "Reporter":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._heard_at_s = None
        self._thread.join()
        deadline = time.monotonic() + FLUSH_TIMEOUT_S
        while not self._deliver() and time.monotonic() < deadline:
            time.sleep(RETRY_S)

    def _loop(self) -> None:
        self._pause_s = FIRST_REPORT_AFTER_S
        while not self._is_over.wait(self._pause_s):
            self._deliver()

    def _deliver(self) -> bool:
        """Send one report. Returns whether it is stored; if not, its entries are part of the next report."""
        with self._lock:
            entries = list(self._entries)
            progress = replace(self._progress, gpu_memory=used_gpu_memory())
            silent_s = 0.0 if self._heard_at_s is None else time.monotonic() - self._heard_at_s
        spec = self._spec
        report = RunReport(spec.run_id, spec.task_id, self._delivered, entries, progress, silent_s)
        try:
            answer: ReportAnswer = ray.get(self._task_manager_actor.report.remote(report))
        except RayError as error:
            if isinstance(error, ActorDiedError):
                self._find_successor()
            logger.warning("a report of run %s cannot be delivered, trying again", spec.run_id)
            return False
        with self._lock:
            if answer.is_stored:
                del self._entries[: len(entries)]
                self._delivered += len(entries)
            self._order = answer.instruction
            self._pause_s = answer.next_report_s
            self._lock.notify_all()
        return answer.is_stored

    def _find_successor(self) -> None:
        """Report to the next TaskManager: a deployment with other settings has replaced this one."""
        with suppress(ValueError):  # There is none yet.
            self._task_manager_actor = ray.get_actor(names.TASK_MANAGER, names.NAMESPACE)


def _entry(event: RunEvent) -> Entry:
    fields = {
        "timestamp": now().isoformat(),
        "level": event.level,
        "message": clean(shown(event.message)),
        "stage": event.stage,
        "step": event.step,
        "metrics": event.metrics,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _merge(progress: Progress, event: RunEvent) -> Progress:
    return Progress(
        percent=progress.percent if event.progress is None else event.progress,
        epoch=event.epoch or progress.epoch,
        message=clean(shown(event.message)) or progress.message,
        metrics=cast("EpochMetrics", event.metrics) if event.stage == "epoch_end" else progress.metrics,
    )
