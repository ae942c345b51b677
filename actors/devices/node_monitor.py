"""NodeMonitor: what the machine it runs on has and how busy it is. One small actor for each node."""

import os
from typing import Any

from rfuav_ray.machine.hardware import read_cpu, read_gpus


class NodeMonitor:
    def __init__(self, gpu_count: int) -> None:
        """`gpu_count`: how many GPUs this node gives to Ray."""
        self._gpu_ids = _visible_gpu_ids(gpu_count)

    def gpu_ids(self) -> list[str]:
        """How Ray names this node's GPUs, in their order."""
        return self._gpu_ids

    def read(self) -> dict[str, Any]:
        """`gpus`: what read_gpus says of this node's GPUs; `cpu`: what read_cpu says."""
        return {"gpus": read_gpus(self._gpu_ids), "cpu": read_cpu()}


def _visible_gpu_ids(gpu_count: int) -> list[str]:
    # This actor has no GPU of its own, so that it sees what the node was started with.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    ids = [part.strip() for part in visible.split(",") if part.strip()]
    return ids[:gpu_count] if len(ids) >= gpu_count else [str(index) for index in range(gpu_count)]
