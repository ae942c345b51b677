"""Which slots are in use, by which tasks, as GET /api/v2/resources shows it."""

from collections.abc import Callable, Mapping
from typing import Any

from actors.devices.gpu_info import gpu_info
from actors.devices.limits import Limits
from actors.devices.pool import DevicePool
from actors.devices.slots import INFERENCE, TRAINING, SlotTable

#: the kinds of slots that clients see
SHOWN = (TRAINING, INFERENCE)


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
