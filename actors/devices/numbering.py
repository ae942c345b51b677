"""The GPUs of a cluster and their numbers. No Ray, no I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count

CPU, ANY_GPU = "cpu", "cuda"


@dataclass(frozen=True)
class Node:
    id: str
    #: host name
    name: str
    address: str
    is_head: bool
    cpus: float
    gpu_count: int
    #: the port of its raylet, which is Ray on that node
    port: int = 0


@dataclass(frozen=True)
class Gpu:
    """`cuda:<number>`: the GPU at position `index` among the GPUs that its node gives to Ray."""

    number: int
    node_id: str
    index: int

    @property
    def device(self) -> str:
        return f"{ANY_GPU}:{self.number}"


def number_gpus(known: Sequence[Gpu], nodes: Iterable[Node]) -> list[Gpu]:
    """Number every GPU of these nodes: the head node first, then by address.

    A GPU keeps its number as long as its node is in the cluster. A GPU that joins gets the lowest free number, so
    that a replacement node takes over the numbers of the node that it replaces.

    Args:
        known: The GPUs that already have numbers.
        nodes: The nodes of the cluster.

    Returns:
        The GPUs of `nodes`, sorted by number.
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
    """Sort key: the CPU first, then the GPUs by number."""
    return -1 if device == CPU else int(device.removeprefix(f"{ANY_GPU}:"))
