"""The GPUs of a cluster and their numbers. Pure; knows nothing of Ray."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

CPU, ANY_GPU = "cpu", "cuda"


@dataclass(frozen=True)
class Node:
    id: str
    #: its host's name
    name: str
    address: str
    is_head: bool
    cpus: float
    gpu_count: int


@dataclass(frozen=True)
class Gpu:
    """`cuda:<number>`: the GPU at place `index` among those that its node gives to Ray."""

    number: int
    node_id: str
    index: int

    @property
    def device(self) -> str:
        return f"{ANY_GPU}:{self.number}"


def number_gpus(known: Sequence[Gpu], nodes: Iterable[Node]) -> list[Gpu]:
    """Every GPU of these nodes with its number: head first, then by address.

    A GPU keeps its number as long as its node is there; one that joins gets the lowest that is free, so that a
    node put in another's place takes over its numbers.
    """
    ordered = sorted(nodes, key=lambda node: (not node.is_head, node.address, node.id))
    there = {(node.id, index) for node in ordered for index in range(node.gpu_count)}
    kept = {(gpu.node_id, gpu.index): gpu for gpu in known if (gpu.node_id, gpu.index) in there}
    taken = {gpu.number for gpu in kept.values()}
    numbers = (number for number in count() if number not in taken)
    for node in ordered:
        for index in range(node.gpu_count):
            if (node.id, index) not in kept:
                kept[node.id, index] = Gpu(next(numbers), node.id, index)
    return sorted(kept.values(), key=lambda gpu: gpu.number)


def device_order(device: str) -> int:
    """The CPU first, then the GPUs by number."""
    return -1 if device == CPU else int(device.removeprefix(f"{ANY_GPU}:"))


def cpus_per_run(cpus_of_nodes: Iterable[float], runs: int) -> float:
    """The most CPUs that each of so many runs can have when every run lies on one node."""
    nodes = [cpus for cpus in cpus_of_nodes if cpus > 0]
    runs = max(1, runs)
    shares = sorted({cpus / parts for cpus in nodes for parts in range(1, runs + 1)}, reverse=True)
    return next((share for share in shares if sum(int(cpus / share + 1e-9) for cpus in nodes) >= runs), 0.0)
