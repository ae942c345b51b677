"""Gauges for the Ray dashboard, Prometheus and Grafana, published through ray.util.metrics."""

import asyncio
import json
from collections import Counter
from typing import ClassVar

from ray.util.metrics import Gauge

from actors.devices.slots import SlotTable
from actors.tasks.feed import Change
from rfuav_ray.tasks import TaskStatus

#: delay that collects several changes, because publishing one costs as much as queuing a task
PUBLISH_AFTER_S = 0.2


class RunGauges:
    """The metrics that trainings report, by task."""

    _SOURCES: ClassVar = {
        "rfuav_train_loss": ("train_loss", "Mean cross-entropy of the last epoch's training images"),
        "rfuav_validation_accuracy_percent": ("val_acc", "Accuracy on the validation images, percent"),
        "rfuav_images_per_second": ("images_per_second", "Training images per second in the last epoch"),
    }

    def __init__(self) -> None:
        self._gauges = {
            name: Gauge(name, description=description, tag_keys=("task_id",))
            for name, (_, description) in self._SOURCES.items()
        }

    def show(self, change: Change) -> None:
        """Publish the metrics of the epochs that end with this change."""
        for _, text in change.events:
            if '"epoch_end"' not in text:  # a cheap test first: most events are not the end of an epoch
                continue
            entry = json.loads(text)
            if entry.get("stage") == "epoch_end":
                for name, (key, _) in self._SOURCES.items():
                    self._gauges[name].set(float(entry["metrics"][key]), tags={"task_id": change.task_id})


class QueueGauges:
    """The number of tasks by kind and status, the length of the queue, and the slots in use."""

    def __init__(self) -> None:
        self._tasks = Gauge("rfuav_tasks", description="Tasks by kind and status", tag_keys=("kind", "status"))
        self._queue = Gauge("rfuav_queue_length", description="Pending tasks")
        self._slots = Gauge("rfuav_slots_in_use", description="Running tasks", tag_keys=("device", "kind"))
        self._counts: Counter[tuple[str, str]] = Counter()
        self._changed: set[tuple[str, str]] = set()
        self._slot_table: SlotTable | None = None
        self._waits_to_publish = False

    def count(self, before: tuple[str, str] | None, after: tuple[str, str] | None) -> None:
        """Count a task that was added, changed or removed.

        Args:
            before: Its old kind and status; None for a new task.
            after: Its new kind and status; None for a removed task.
        """
        for key, step in ((before, -1), (after, 1)):
            if key is not None and before != after:
                self._counts[key] += step
                self._changed.add(key)
                self._publish_soon()

    def show_slots(self, slots: SlotTable) -> None:
        """Publish the slots in use soon. They are read from `slots` at that time."""
        self._slot_table = slots
        self._publish_soon()

    def _publish_soon(self) -> None:
        if not self._waits_to_publish:
            self._waits_to_publish = True
            asyncio.get_running_loop().call_later(PUBLISH_AFTER_S, self._publish)

    def _publish(self) -> None:
        self._waits_to_publish = False
        for kind, status in self._changed:
            self._tasks.set(self._counts[kind, status], tags={"kind": kind, "status": status})
        self._changed.clear()
        waiting = sum(n for (_, status), n in self._counts.items() if status == TaskStatus.PENDING.value)
        self._queue.set(waiting)
        if (slots := self._slot_table) is None:
            return
        for device in slots.devices:
            for kind in slots.limits(device):
                self._slots.set(slots.used(device, kind), tags={"device": device, "kind": kind})
