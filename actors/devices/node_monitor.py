"""NodeMonitor: reads the hardware of its node and how busy it is. A small actor on each node."""

import os
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.devices.numbering import Node
from rfuav_ray.machine.hardware import read_cpu, read_gpus

#: what Ray's lists and its dashboard show as the class of these actors
SHOWN_AS = "rfuav node monitor"


class NodeMonitor:
    def __init__(self, gpu_count: int) -> None:
        """Find out which GPUs Ray has on this node.

        Args:
            gpu_count: Number of GPUs that this node gives to Ray.
        """
        self._gpu_ids = _visible_gpu_ids(gpu_count)

    def gpu_ids(self) -> list[str]:
        """Ray's ids of this node's GPUs, in order."""
        return self._gpu_ids

    def read(self) -> dict[str, Any]:
        """The result of `read_gpus` for this node's GPUs (key `gpus`), and that of `read_cpu` (key `cpu`)."""
        return {"gpus": read_gpus(self._gpu_ids), "cpu": read_cpu()}


def start(node: Node) -> Any:
    """Start the monitor of a node. Returns its handle."""
    here = NodeAffinitySchedulingStrategy(node.id, soft=False)
    options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
    # Each reading would be a row in Ray's list of tasks: nine of ten rows were ours.
    options |= {"enable_task_events": False}
    shown: type[NodeMonitor] = type(SHOWN_AS, (NodeMonitor,), {})
    return ray.remote(shown).options(**options).remote(node.gpu_count)


def _visible_gpu_ids(gpu_count: int) -> list[str]:
    # This actor requests no GPU, so Ray leaves the variable as it was when the node started.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    ids = [part.strip() for part in visible.split(",") if part.strip()]
    return ids[:gpu_count] if len(ids) >= gpu_count else [str(index) for index in range(gpu_count)]
