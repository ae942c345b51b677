"""NodeMonitor: reads the hardware of its node, and guards its memory. A small actor on each node."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.devices.numbering import Node
from actors.memory.guard import start_guard
from rfuav_ray.machine.hardware import read_cpu, read_gpus
from rfuav_ray.outputs.ownership import current_path

#: what Ray's lists and its dashboard show as the class of these actors
SHOWN_AS = "rfuav node monitor"
#: a thread of its own looks for files: a network share that does not answer must not stop the readings
FILES = "files"


class NodeMonitor:
    def __init__(self, node_id: str, gpu_count: int, run_memory_limit: float) -> None:
        """Find out which GPUs Ray has on this node, and guard its memory from then on.

        Args:
            node_id: Ray's id of this node.
            gpu_count: Number of GPUs that this node gives to Ray.
            run_memory_limit: What one run may use, as a fraction of the node's memory; 0 for no limit.
        """
        self._gpu_ids = _visible_gpu_ids(gpu_count)
        self._guard = start_guard(node_id, run_memory_limit)

    def gpu_ids(self) -> list[str]:
        """Ray's ids of this node's GPUs, in order."""
        return self._gpu_ids

    def why_ended(self, run_id: str) -> str | None:
        """Why the memory guard has ended this run; None if it hasn't."""
        return None if self._guard is None else self._guard.why_ended(run_id)

    @ray.method(concurrency_group=FILES)  # type: ignore[untyped-decorator]  # Ray's
    def missing(self, paths: Sequence[str]) -> list[str]:
        """Those of the paths that are not on this node, or that nobody can look at here."""
        return [path for path in paths if not _exists(path)]

    def read(self) -> dict[str, Any]:
        """The result of `read_gpus` for this node's GPUs (key `gpus`), and that of `read_cpu` (key `cpu`)."""
        return {"gpus": read_gpus(self._gpu_ids), "cpu": read_cpu()}


def start(node: Node, run_memory_limit: float) -> Any:
    """Start the monitor of a node. Returns its handle. See NodeMonitor for the limit."""
    here = NodeAffinitySchedulingStrategy(node.id, soft=False)
    options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
    # Each reading would be a row in Ray's list of tasks: nine of ten rows were ours.
    options |= {"enable_task_events": False, "concurrency_groups": {FILES: 1}}
    shown: type[NodeMonitor] = type(SHOWN_AS, (NodeMonitor,), {})
    # `.options` does not take concurrency groups.
    return ray.remote(**options)(shown).remote(node.id, node.gpu_count, run_memory_limit)


def _exists(path: str) -> bool:
    try:
        # The weights of a training may be where the start of a later training has moved them.
        return current_path(Path(path), "training").exists()
    except OSError:  # no permission, or no file can have this name
        return False


def _visible_gpu_ids(gpu_count: int) -> list[str]:
    # This actor requests no GPU, so Ray leaves the variable as it was when the node started.
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    ids = [part.strip() for part in visible.split(",") if part.strip()]
    return ids[:gpu_count] if len(ids) >= gpu_count else [str(index) for index in range(gpu_count)]
