"""The `gpu_info` object of the HTTP contract: every GPU of the cluster that is real hardware."""

from collections.abc import Iterable, Mapping
from typing import Any

from actors.devices.pool import DevicePool
from actors.devices.slots import INFERENCE, TRAINING, Holding
from rfuav_ray.machine.hardware import gib


def gpu_info(
    pool: DevicePool, holdings: Iterable[Holding], gpu_memory: Mapping[str, tuple[int, int]]
) -> dict[str, Any]:
    """Describe the cluster's GPUs. Without a GPU or without a driver, `available` is false.

    Args:
        pool: The cluster's devices.
        holdings: The slots in use.
        gpu_memory: Bytes that torch uses, and bytes that it has reserved, by task id.
    """
    held = list(holdings)
    devices = [
        _gpu(pool, device, hardware, [h for h in held if h.device == device], gpu_memory)
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
        "current_tasks": {kind: sum(run.kind == kind for run in runs) for kind in (TRAINING, INFERENCE)},
        "node": pool.node(device).name,
    }
