"""Delivers a run's reports from its worker to the actors, in batches, and brings back the order to stop."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, cast

import ray
from ray.exceptions import RayError

from actors.events.event_log import Entry, EventReport
from actors.runs.spec import Instruction, Progress, RunSpec
from rfuav_ray.api.results import EpochMetrics
from rfuav_ray.errors import RunCancelled, RunInterrupted
from rfuav_ray.events import RunEvent, clean
from rfuav_ray.machine.gpu_memory import used_gpu_memory

logger = logging.getLogger(__name__)

REPORT_EVERY_S = 0.4
#: pause between two tries to reach an actor without which the run cannot begin or end
RETRY_S = 1.0
#: a run blocks while this many entries are not delivered
MAX_WAITING_ENTRIES = 10_000
#: how long the last entries of a run may wait for actors that restart, or for free space on the actors' disk
FLUSH_TIMEOUT_S = 3600.0


class Reporter:
    """A context manager. Leaving it delivers the remaining entries."""

    def __init__(self, spec: RunSpec, metrics_actor: Any, task_manager_actor: Any) -> None:
        self._spec = spec
        self._metrics_actor = metrics_actor
        self._task_manager_actor = task_manager_actor
        self._lock = threading.Condition()
        self._entries: list[Entry] = []
        self._sent = 0
        self._progress = Progress()
        self._order: Instruction = "continue"
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="reporter", daemon=True)

    def report(self, event: RunEvent) -> None:
        """Accept an event for delivery. Blocks while too many entries are not delivered.

        Raises:
            RunCancelled: A client cancelled the task.
            RunInterrupted: The run has to end, and keep its work for a later run.
        """
        with self._lock:
            self._lock.wait_for(lambda: self._order != "continue" or len(self._entries) < MAX_WAITING_ENTRIES)
            if self._order != "continue":
                raise RunCancelled if self._order == "cancel" else RunInterrupted
            if event.message:
                self._entries.append(_entry(event))
            self._progress = _merge(self._progress, event)

    def note(self, event: RunEvent) -> None:
        """Accept an event from code that cannot stop the run: neither blocks nor raises."""
        with self._lock:
            if len(self._entries) < MAX_WAITING_ENTRIES:
                self._entries.append(_entry(event))

    def last_epoch(self) -> int:
        """The last epoch whose end an earlier run of this task reported; 0 without any.

        Raises:
            RayError: The MetricsActor did not answer for FLUSH_TIMEOUT_S.
        """
        deadline = time.monotonic() + FLUSH_TIMEOUT_S
        while True:
            try:
                return int(ray.get(self._metrics_actor.last_epoch.remote(self._spec.task_id)))
            except RayError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_S)

    def __enter__(self) -> "Reporter":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()
        deadline = time.monotonic() + FLUSH_TIMEOUT_S
        while not self._hand_over() and time.monotonic() < deadline:
            time.sleep(RETRY_S)

    def _loop(self) -> None:
        while not self._is_over.wait(REPORT_EVERY_S):
            self._hand_over()

    def _hand_over(self) -> bool:
        """Deliver the waiting entries and the progress. Returns whether both arrived; if not, call it again."""
        # The order must arrive also while the log cannot be written.
        delivered = [self._succeeds(self._hand_over_entries), self._succeeds(self._hand_over_progress)]
        return all(delivered)

    def _succeeds(self, hand_over: Callable[[], None]) -> bool:
        try:
            hand_over()
        except RayError:
            logger.warning("reports of run %s cannot be delivered, trying again", self._spec.run_id)
            return False
        return True

    def _hand_over_entries(self) -> None:
        with self._lock:
            entries = list(self._entries)
        if not entries:
            return
        report = EventReport(self._spec.task_id, self._spec.run_id, self._sent, entries)
        ray.get(self._metrics_actor.append.remote(report))
        with self._lock:
            del self._entries[: len(entries)]
            self._sent += len(entries)
            self._lock.notify_all()

    def _hand_over_progress(self) -> None:
        with self._lock:
            progress = replace(self._progress, gpu_memory=used_gpu_memory())
        order: Instruction = ray.get(
            self._task_manager_actor.report_progress.remote(self._spec.task_id, self._spec.attempt, progress)
        )
        with self._lock:
            self._order = order
            self._lock.notify_all()


def _entry(event: RunEvent) -> Entry:
    fields = {
        "timestamp": datetime.now(UTC).isoformat(),
        "level": event.level,
        "message": clean(event.message),
        "stage": event.stage,
        "step": event.step,
        "metrics": event.metrics,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _merge(progress: Progress, event: RunEvent) -> Progress:
    return Progress(
        percent=progress.percent if event.progress is None else event.progress,
        epoch=event.epoch or progress.epoch,
        message=clean(event.message) or progress.message,
        metrics=cast("EpochMetrics", event.metrics) if event.stage == "epoch_end" else progress.metrics,
    )
