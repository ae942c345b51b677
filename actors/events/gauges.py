"""Gauges for the Ray dashboard, Prometheus and Grafana, published through ray.util.metrics.

Ray exports a value once, with its next report, and forgets a series that is not set again within two reports. So
all values are published again and again, also those that are zero. A run that has ended is left out, and its
series vanish: the number of series does not grow with the number of tasks.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ray.util.metrics import Gauge

from actors.devices.slots import SlotTable
from actors.store.row import TaskRow, record_of
from actors.tasks.feed import Change
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.tasks import TaskRecord, TaskStatus

#: Ray reports every 10 s (its setting metrics_report_interval_ms)
PUBLISH_EVERY_S = 5.0
#: of a running training, by name of the metric: the field of `latest_metrics`, and what it is
TRAINING_METRICS = {
    "rfuav_train_loss": ("train_loss", "Mean cross-entropy of the last epoch's training images"),
    "rfuav_validation_accuracy_percent": ("val_acc", "Accuracy on the validation images, percent"),
    "rfuav_images_per_second": ("images_per_second", "Training images per second in the last epoch"),
}


async def publish_again(publish: Callable[[], None]) -> None:
    """Publish all values, as long as the process lives."""
    while True:
        publish()
        await asyncio.sleep(PUBLISH_EVERY_S)


class RunGauges:
    """The metrics of the last epoch of each running training, by task."""

    def __init__(self) -> None:
        self._gauges = {
            key: Gauge(name, description=description, tag_keys=("task_id",))
            for name, (key, description) in TRAINING_METRICS.items()
        }
        self._running: dict[str, TaskRow] = {}

    def show(self, change: Change) -> None:
        """Note what changed of a task."""
        if change.row is not None and change.row.status == TaskStatus.RUNNING.value:
            self._running[change.task_id] = change.row
        else:
            self._running.pop(change.task_id, None)

    def restart(self) -> None:
        """Forget all tasks: the feed tells of all that there are."""
        self._running.clear()

    def publish(self) -> None:
        for task_id, row in self._running.items():
            metrics: Mapping[str, Any] = record_of(row).latest_metrics or {}
            for key, gauge in self._gauges.items():
                if (value := metrics.get(key)) is not None:
                    gauge.set(float(value), tags={"task_id": task_id})


@dataclass(frozen=True)
class RunCounts:
    """How many runs there were since the TaskManager's start, by kind. The numbers only grow."""

    started: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(KINDS, 0)))
    #: ended early, and the task was queued again: lost, or interrupted by a stop of the service
    retried: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(KINDS, 0)))
    #: those of `retried` whose worker or node died
    lost: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(KINDS, 0)))


class QueueGauges:
    """The number of tasks by kind and status, the length of the queue, the slots in use and their limits."""

    def __init__(self) -> None:
        self.runs = RunCounts()
        self._tasks = Gauge("rfuav_tasks", description="Tasks by kind and status", tag_keys=("kind", "status"))
        self._queue = Gauge("rfuav_queue_length", description="Pending tasks")
        self._slots = Gauge("rfuav_slots_in_use", description="Running tasks", tag_keys=("device", "kind"))
        self._limits = Gauge("rfuav_slots_limit", description="Slots of a device", tag_keys=("device", "kind"))
        self._counts = Counter(dict.fromkeys(product(KINDS, map(str, TaskStatus)), 0))

    def count(self, before: tuple[str, str] | None, after: tuple[str, str] | None) -> None:
        """Count a task that was added or removed.

        Args:
            before: Its old kind and status; None for a new task.
            after: Its new kind and status; None for a removed task.
        """
        for key, step in ((before, -1), (after, 1)):
            if key is not None:
                self._counts[key] += step

    def change(self, before: TaskRecord, after: TaskRecord) -> None:
        """Count a task that has changed, and its runs."""
        kind = after.kind
        self.count((kind, before.status.value), (kind, after.status.value))
        # A run that was on the wrong node has counted, and its task has one run less.
        self.runs.started[kind] += max(0, after.attempt - before.attempt)
        self.runs.lost[kind] += after.losses - before.losses
        was_run = after.attempt == before.attempt
        if was_run and (before.status, after.status) == (TaskStatus.RUNNING, TaskStatus.PENDING):
            self.runs.retried[kind] += 1

    def publish(self, slots: SlotTable) -> None:
        for (kind, status), count in self._counts.items():
            self._tasks.set(count, tags={"kind": kind, "status": status})
        waiting = sum(n for (_, status), n in self._counts.items() if status == TaskStatus.PENDING.value)
        self._queue.set(waiting)
        for use in slots.uses():
            tags = {"device": use.device, "kind": use.kind}
            self._slots.set(use.used, tags=tags)
            self._limits.set(use.limit, tags=tags)
