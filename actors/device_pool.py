"""The cluster's devices, and how a run is placed on one.

Today a GPU is a share of a logical Ray GPU; the pool is the one place that knows, so that pinning to an
exact GPU changes nothing else.
"""

from typing import Any

import ray

from actors.slots import INFERENCE, PREPROCESSING, TRAINING, Caps
from actors.task_queue import CPU
from rfuav_ray.settings import Settings


class DevicePool:
    def __init__(self) -> None:
        resources = ray.cluster_resources()
        self.gpus = [f"cuda:{index}" for index in range(int(resources.get("GPU", 0)))]
        self._cluster_cpus = resources.get("CPU", 1.0)
        self._largest_node_cpus = max(
            (node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]), default=1.0
        )

    @property
    def devices(self) -> list[str]:
        return [CPU, *self.gpus]

    def caps(self, settings: Settings) -> Caps:
        on_gpu = {
            TRAINING: settings.max_training_concurrent_gpu,
            INFERENCE: settings.max_inference_concurrent_gpu,
        }
        on_cpu = {
            TRAINING: settings.max_training_concurrent_cpu,
            INFERENCE: settings.max_inference_concurrent_cpu,
            PREPROCESSING: settings.max_preprocessing_concurrent,
        }
        return {CPU: on_cpu, **{gpu: dict(on_gpu) for gpu in self.gpus}}

    def free_memory_gb(self, device: str) -> float:
        """Logical GPUs have no memory to compare: the first one wins a tie."""
        return -float(self.devices.index(device))

    def run_options(self, device: str, share: float) -> dict[str, Any]:
        """The Ray options of a run that takes `share` of the device."""
        if device != CPU:
            return {"num_cpus": 0, "num_gpus": _rounded_down(share)}
        return {"num_cpus": _rounded_down(min(share * self._cluster_cpus, self._largest_node_cpus)), "num_gpus": 0}

    def workers(self, share: float, concurrent_runs: int) -> tuple[int, float]:
        """Of a run that spreads over the cluster: how many workers, and the CPUs of each in Ray's books.

        Together they take the run's share: they fill a machine that idles, and hold no slot of others.
        """
        count = max(1, int(self._cluster_cpus) // max(1, concurrent_runs))
        return count, _rounded_down(share * self._cluster_cpus / count)

    def threads(self, concurrent_runs: int) -> int:
        """CPU threads for each of so many runs on one node."""
        return max(1, int(self._largest_node_cpus) // max(1, concurrent_runs))


def _rounded_down(amount: float) -> float:
    """To what Ray counts in: the runs of all slots together must fit."""
    return int(amount * 10_000) / 10_000
