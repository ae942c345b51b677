"""Which slots are in use, by which tasks, as GET /api/v2/resources shows it."""

from typing import Any

from actors.devices.gpu_info import gpu_info
from actors.devices.slots import INFERENCE, TRAINING
from actors.tasks.dispatcher import Dispatcher
from actors.tasks.table import TaskTable

#: the kinds of slots that clients see
SHOWN = (TRAINING, INFERENCE)


def usage(table: TaskTable, dispatcher: Dispatcher) -> dict[str, Any]:
    slots = dispatcher.slots
    active: dict[str, list[dict[str, str]]] = {device: [] for device in slots.devices}
    for holding in slots.holdings:
        kind = table.get(holding.task_id).kind
        active.setdefault(holding.device, []).append({"id": holding.task_id, "type": kind})
    used = {device: {kind: slots.used(device, kind) for kind in SHOWN} for device in slots.devices}
    return {
        "device_usage": used,
        "active_tasks": active,
        "limits": dispatcher.devices.limits(),
        "gpu_info": gpu_info(dispatcher.pool, slots.holdings, dispatcher.gpu_memory),
    }
