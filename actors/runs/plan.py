"""What a run starts with, and what its outcome makes of its task."""

from dataclasses import replace
from typing import Any

from actors.devices.numbering import CPU
from actors.devices.pool import DevicePool
from actors.devices.slots import PREPROCESSING, SlotTable, slot_kind
from actors.runs.spec import Outcome, RunSpec
from rfuav_ray.tasks import TaskRecord, TaskStatus


def plan(task: TaskRecord, pool: DevicePool, slots: SlotTable) -> tuple[RunSpec, dict[str, Any]]:
    """The run's specification and its Ray options."""
    kind, fraction, device = slot_kind(task.kind), task.device_share, task.device or CPU
    runs = max(1, slots.limits(CPU)[kind])
    spec = RunSpec(task.id, task.kind, task.attempt, task.request, device, pool.threads(runs), runs)
    if task.latest_metrics is not None:
        spec = replace(spec, reported_epoch=int(task.latest_metrics.get("epoch", 0)))
    if kind == PREPROCESSING:
        # The run itself needs no CPU: it only waits for its workers.
        worker_count, worker_cpus = pool.workers(fraction, runs)
        return replace(spec, worker_count=worker_count, worker_cpus=worker_cpus), {
            "num_cpus": 0,
            "num_gpus": 0,
        }
    options = pool.run_options(device, fraction, slots.limits(device))
    if device != CPU:
        has_hardware = pool.hardware(device) is not None
        spec = replace(spec, gpu_id=pool.gpu_id(device), has_hardware=has_hardware)
    return spec, options


def retry(task: TaskRecord, outcome: Outcome, max_retries: int) -> tuple[str, dict[str, Any]] | None:
    """What to log, and the fields that change, when the task waits for another run; None if the task ends."""
    is_lost = outcome.status == "lost"
    may_retry = outcome.status == "interrupted" or (is_lost and task.losses < max_retries)
    if task.cancel_requested or not may_retry:
        return None
    losses = task.losses + is_lost
    count = f": retry {losses} of {max_retries}" if is_lost else ""
    changes = {"message": "The run ended early. The task waits to resume.", "losses": losses}
    return f"{outcome.error} Queued again{count}.", changes


def ending(task: TaskRecord, outcome: Outcome) -> tuple[TaskStatus, dict[str, Any]]:
    """The final status of a task, and the other fields of its record that change."""
    if outcome.status == "completed":
        result = outcome.result
        done: dict[str, Any] = {"progress": 100.0, "message": "Completed.", "result": result}
        # The last report may have been lost, or not recorded by a stopping service.
        if result and "metrics" in result:
            done |= {"latest_metrics": result["metrics"], "current_epoch": result["epochs"]}
        return TaskStatus.COMPLETED, done
    if outcome.status == "cancelled" or task.cancel_requested:
        return TaskStatus.CANCELLED, {"message": "Cancelled."}
    error = outcome.error or "The run failed without an error message."
    return TaskStatus.FAILED, {"message": f"Failed: {error}", "error": error}
