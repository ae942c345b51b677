"""Which slots are in use, by which tasks, and the GPUs, as GET /api/v2/resources shows them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from actors.devices.limits import Limits
from actors.devices.pool import DevicePool
from actors.devices.slots import INFERENCE, TRAINING, Holding, SlotTable, SlotUse
from actors.events.gauges import RunCounts
from rfuav_ray.machine.hardware import gib

#: the kinds of slots that clients see
SHOWN = (TRAINING, INFERENCE)


class Figures(NamedTuple):
    """What the task manager knows for `GET /metrics`."""

    slots: list[SlotUse]
    runs: RunCounts
    #: the GPUs, as in `gpu_info`
    gpus: list[dict[str, Any]]


def usage(
    slots: SlotTable, pool: DevicePool, gpu_memory: Mapping[str, tuple[int, int]], kind_of: Callable[[str], str]
) -> dict[str, Any]:
    """Describe the devices and their runs.

    Args:
        slots: The slots of all devices.
        pool: The cluster's devices.
        gpu_memory: Bytes that torch uses, and bytes that it has reserved, by task id.
        kind_of: Returns the kind of a task.
    """
    active: dict[str, list[dict[str, str]]] = {device: [] for device in slots.devices}
    for holding in slots.holdings:
        active.setdefault(holding.device, []).append({"id": holding.task_id, "type": kind_of(holding.task_id)})
    used = {device: {kind: slots.used(device, kind) for kind in SHOWN} for device in slots.devices}
    return {
        "device_usage": used,
        "active_tasks": active,
        "limits": shown_limits(slots),
        "gpu_info": gpu_info(pool, slots.holdings, gpu_memory),
    }


def shown_limits(slots: SlotTable) -> Limits:
    """The limits that clients see and set: those of training and inference."""
    return {device: {kind: slots.limits(device)[kind] for kind in SHOWN} for device in slots.devices}


def gpu_info(
    pool: DevicePool, holdings: Sequence[Holding], gpu_memory: Mapping[str, tuple[int, int]]
) -> dict[str, Any]:
    """Describe the cluster's GPUs. Without a GPU or without a driver, `available` is false.

    Args:
        pool: The cluster's devices.
        holdings: The slots in use.
        gpu_memory: Bytes that torch uses, and bytes that it has reserved, by task id.
    """
    devices = [
        _gpu(pool, device, hardware, [h for h in holdings if h.device == device], gpu_memory)
        for device in pool.gpus
        if (hardware := pool.hardware(device))
    ]
    return {"available": bool(devices), "count": len(devices), **pool.software(), "devices": devices}


def _gpu(
    pool: DevicePool,
    device: str,
    hardware: dict[str, Any],
    runs: list[Holding],
    gpu_memory: Mapping[str, tuple[int, int]],
) -> dict[str, Any]:
    memory = [gpu_memory[run.task_id] for run in runs if run.task_id in gpu_memory]
    return {
        "id": int(device.partition(":")[2]),
        "device_name": device,
        **hardware,
        "allocated_memory_gb": gib(sum(allocated for allocated, _ in memory)),
        "cached_memory_gb": gib(sum(cached for _, cached in memory)),
        "current_tasks": {kind: sum(run.kind == kind for run in runs) for kind in SHOWN},
        "node": pool.node(device).name,
    }
