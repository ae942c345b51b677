"""What a run starts with, and what its outcome makes of its task."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from actors.devices.numbering import CPU
from actors.devices.placement import node_fraction, on_node, run_options, workers
from actors.devices.pool import DevicePool
from actors.devices.slots import SOME_NODE, SlotTable, slot_kind
from actors.runs.spec import Outcome, RunSpec
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.errors import RunLost
from rfuav_ray.file_access.roots import private_paths
from rfuav_ray.objects.access import object_settings
from rfuav_ray.tasks import TaskRecord, TaskStatus


def plan(
    task: TaskRecord,
    pool: DevicePool,
    slots: SlotTable,
    data_roots: tuple[Path, ...] = (),
    without: Collection[str] = (),
) -> tuple[RunSpec, dict[str, Any]]:
    """Decide what a run starts with.

    Args:
        task: The task, which has the run's device and node.
        pool: The cluster's devices.
        slots: The slots with their limits.
        data_roots: DATA_ROOTS.
        without: Nodes where no worker of the run may be.

    Returns:
        The run's specification and its Ray options.

    Raises:
        RunLost: The node has just left the cluster.
    """
    kind, fraction, device = slot_kind(task.kind), task.device_share, task.device or CPU
    node_id = task.node_id or SOME_NODE
    if not pool.has_node(node_id):
        raise RunLost(f"The node {pool.name_of(node_id)} left the cluster.")
    limit = max(1, slots.limits(CPU)[kind])
    spec = RunSpec(
        *(task.run_id, task.id, task.kind, task.attempt, task.request, device, limit),
        data_roots=data_roots,
        private_paths=private_paths(),
        objects=object_settings(),
    )
    if task.latest_metrics is not None:
        # Records of earlier versions have the epoch in the metrics alone.
        reported = max(task.reported_epoch, int(task.latest_metrics.get("epoch", 0)))
        spec = replace(spec, reported_epoch=reported)
    if KINDS[task.kind].has_workers:
        if KINDS[task.kind].input_urls(task.request) or KINDS[task.kind].output_url(task.request):
            # The copies of its objects are on its own node.
            without = pool.node_cpus().keys() - {node_id}
        # The run itself needs no CPU: it only waits for its workers.
        worker_count, worker_cpus = workers(pool, fraction, limit, without)
        worker_nodes = tuple(pool.node_cpus().keys() - without) if without else ()
        return replace(spec, worker_count=worker_count, worker_cpus=worker_cpus, worker_nodes=worker_nodes), {
            "num_cpus": 0,
            "num_gpus": 0,
            "scheduling_strategy": on_node(node_id),
        }
    return _placed(replace(spec, workers=task.worker_count), pool, fraction, node_id)


def plan_more(task: TaskRecord, first: RunSpec, pool: DevicePool) -> list[tuple[RunSpec, dict[str, Any]]]:
    """Decide what the workers of a run besides the first one start with, by rank.

    Args:
        task: The task, which has their places.
        first: The first worker.
        pool: The cluster's devices.

    Raises:
        RunLost: A node has just left the cluster.
    """
    more = []
    for rank, place in enumerate(task.workers[1:], start=1):
        if not pool.has_node(place.node_id):
            raise RunLost(f"The node {place.node} left the cluster.")
        spec = replace(first, rank=rank, device=place.device)
        more.append(_placed(spec, pool, place.device_share, place.node_id))
    return more


def _placed(spec: RunSpec, pool: DevicePool, fraction: float, node_id: str) -> tuple[RunSpec, dict[str, Any]]:
    options = run_options(pool, spec.device, fraction, node_id)
    if spec.device == CPU:
        return spec, options
    return replace(
        spec,
        gpu_id=pool.gpu_id(spec.device),
        has_hardware=pool.hardware(spec.device) is not None,
        node_fraction=node_fraction(pool, spec.device, fraction),
    ), options


def retry(task: TaskRecord, outcome: Outcome, max_retries: int) -> tuple[str, dict[str, Any]] | None:
    """What to log, and the fields that change, when the task waits for another run; None if the task ends."""
    if outcome.status == "misplaced" and not task.cancel_requested:
        # It was no run: the next one is the first one as well.
        return f"{outcome.error} The task goes to another node.", {"attempt": task.attempt - 1}
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
        counted = result and {**result, "warnings": task.warnings}
        done: dict[str, Any] = {"progress": 100.0, "message": "Completed.", "result": counted}
        # The last report may have been lost, or not recorded by a stopping service.
        if result and "metrics" in result:
            done |= {"latest_metrics": result["metrics"], "current_epoch": result["epochs"]}
        return TaskStatus.COMPLETED, done
    if outcome.status == "cancelled" or task.cancel_requested:
        return TaskStatus.CANCELLED, {"message": "Cancelled."}
    error = outcome.error or "The run failed without an error message."
    return TaskStatus.FAILED, {"message": f"Failed: {error}", "error": error}
