"""Who is who among the workers of a training. Does not import torch."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """What a worker tells the others before they connect."""

    rank: int
    #: host name
    node: str
    process: int
    torch_version: str
    #: type of the torch device: cpu or cuda
    device: str
    #: number format that it computes in: fp32 or bf16
    precision: str
    #: a digest of its images
    data: str
    #: where the first worker listens: IP address and port
    address: tuple[str, int] | None = None


@dataclass(frozen=True)
class Seat:
    """The place of a worker in its group."""

    rank: int
    size: int
    #: the address of its node in the network of the cluster
    ip: str
    #: Waits for the whole group. Takes what this worker tells, and returns what all tell, by rank.
    meet: Callable[[Member], list[Member]]
