"""The GPUs of a cluster and their numbers. Pure; knows nothing of Ray."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
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
    """The most CPUs that each of so many runs can have when every run lies on one node.

    The runs are dealt out as seats are by the method of D'Hondt: the next one goes where it leaves each the most.
    """
    nodes = [cpus for cpus in cpus_of_nodes if cpus > 0]
    runs = max(1, runs)
    if not nodes:
        return 0.0
    # If CPUs could be joined across nodes, each would have this much: no node gets fewer runs than fit with it.
    most = sum(nodes) / runs
    dealt = [int(cpus / most) for cpus in nodes]
    shares = [(-cpus / (count + 1), place) for place, (cpus, count) in enumerate(zip(nodes, dealt, strict=True))]
    heapify(shares)
    share = min((cpus / count for cpus, count in zip(nodes, dealt, strict=True) if count), default=most)
    for _ in range(runs - sum(dealt)):
        share, place = -shares[0][0], shares[0][1]
        dealt[place] += 1
        heapreplace(shares, (-nodes[place] / (dealt[place] + 1), place))
    return share
