"""The service's figures as Prometheus reads them. Every series has a bounded number of labels.

Zeros are shown, too. Series of a task exist only while it runs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from actors.devices.slots import SlotUse
from actors.devices.usage import Figures
from actors.events.gauges import TRAINING_METRICS, RunCounts
from actors.store.row import record_of
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.tasks import TaskStatus
from serve_app.view.task_view import TaskCopy

_GIB = 1024**3
#: by name of the metric: the field in `gpu_info`, what it is multiplied with, and what it is
GPU_METRICS = {
    "rfuav_gpu_utilization_percent": ("utilization", 1, "Share of time in which the GPU computed, percent"),
    "rfuav_gpu_memory_used_bytes": ("used_memory_gb", _GIB, "Memory in use by all programs"),
    "rfuav_gpu_memory_total_bytes": ("total_memory_gb", _GIB, "Memory of the GPU"),
    "rfuav_gpu_temperature_celsius": ("temperature_c", 1, "Temperature of the GPU"),
    "rfuav_gpu_power_watts": ("power_w", 1, "Power that the GPU takes"),
}

Series = Iterable[tuple[Sequence[str], float]]


def families(copy: TaskCopy, figures: Figures | None, streams: Mapping[str, int], replica: str) -> list[Metric]:
    """All figures but those of the requests.

    Args:
        copy: the replica's copy of the tasks.
        figures: what the TaskManager knows; None when it does not answer.
        streams: the number of clients of this replica's event streams, by what they follow.
        replica: the name of this replica.
    """
    clients = [((followed, replica), count) for followed, count in streams.items()]
    shown = [
        _gauge("rfuav_up", "1 if the task manager answers, else 0", (), [((), figures is not None)]),
        _gauge("rfuav_open_streams", "Clients of event streams, by replica", ("stream", "replica"), clients),
        *_of_tasks(copy),
        *_of_trainings(copy),
    ]
    if figures is not None:
        shown += [*_of_slots(figures.slots), *_of_runs(figures.runs), *_of_gpus(figures.gpus)]
    return shown


def _of_tasks(copy: TaskCopy) -> Iterator[Metric]:
    states = [(kind, status.value) for kind in KINDS for status in TaskStatus]
    counts = [(state, copy.count({state[0]}, {state[1]})) for state in states]
    yield _gauge("rfuav_tasks", "Tasks by kind and status", ("kind", "status"), counts)
    waiting = copy.count(None, {TaskStatus.PENDING.value})
    yield _gauge("rfuav_queue_length", "Pending tasks", (), [((), waiting)])


def _of_trainings(copy: TaskCopy) -> Iterator[Metric]:
    running = [record_of(row) for row in copy.rows({"training"}, {TaskStatus.RUNNING.value})]
    latest: list[tuple[str, Any]] = [(task.id, task.latest_metrics or {}) for task in running]
    for name, (field, text) in TRAINING_METRICS.items():
        values = [((task_id,), metrics[field]) for task_id, metrics in latest if metrics.get(field) is not None]
        yield _gauge(name, text, ("task_id",), values)


def _of_slots(slots: Sequence[SlotUse]) -> Iterator[Metric]:
    labels = ("device", "kind")
    yield _gauge("rfuav_slots_in_use", "Running tasks", labels, [((s.device, s.kind), s.used) for s in slots])
    yield _gauge("rfuav_slots_limit", "Slots of a device", labels, [((s.device, s.kind), s.limit) for s in slots])


def _of_runs(runs: RunCounts) -> Iterator[Metric]:
    for name, text, counts in (
        ("rfuav_runs_started", "Runs started since the task manager's start", runs.started),
        ("rfuav_runs_retried", "Runs that ended early, and whose tasks were queued again", runs.retried),
        ("rfuav_runs_lost", "Runs whose worker or node died, and whose tasks were queued again", runs.lost),
    ):
        family = CounterMetricFamily(name, text, labels=("kind",))
        for kind, count in counts.items():
            family.add_metric((kind,), count)
        yield family


def _of_gpus(gpus: Sequence[dict[str, Any]]) -> Iterator[Metric]:
    for name, (field, factor, text) in GPU_METRICS.items():
        values = [
            ((gpu["device_name"], gpu["node"]), gpu[field] * factor) for gpu in gpus if gpu[field] is not None
        ]
        yield _gauge(name, text, ("device", "node"), values)


def _gauge(name: str, text: str, labels: Sequence[str], series: Series) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in series:
        family.add_metric(values, float(value))
    return family
