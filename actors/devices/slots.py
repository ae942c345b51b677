"""Slots: the places on devices that runs take. Bookkeeping only: no Ray, no I/O."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from actors.devices.numbering import device_order
from rfuav_ray.api.kinds import KINDS

TRAINING, INFERENCE, PREPROCESSING = "training", "inference", "preprocessing"
#: kinds whose runs take a part of every node of their device. Their limit counts for the whole device
OVER_ALL_NODES = frozenset({PREPROCESSING})
#: the node of devices whose nodes nobody has named
SOME_NODE = ""


def slot_kind(task_kind: str) -> str:
    """The kind of slot that a task takes."""
    return KINDS[task_kind].slot_kind


@dataclass(frozen=True)
class Offer:
    """What a device offers."""

    #: number of slots by kind, on each of the nodes
    limits: Mapping[str, int]
    #: runs can start there now
    is_open: bool = True
    #: the nodes where its runs can start, and the CPUs of each
    nodes: Mapping[str, float] = field(default_factory=lambda: {SOME_NODE: 1.0})


@dataclass(frozen=True)
class Holding:
    task_id: str
    device: str
    kind: str
    #: fraction of the device on this node, 0 to 1, that Ray counts for the run
    fraction: float
    node_id: str = SOME_NODE
    #: which worker of the task's run has this slot; 0 is the first or only one
    rank: int = 0


class SlotUse(NamedTuple):
    """The slots of one kind on one device."""

    device: str
    kind: str
    used: int
    limit: int


class SlotTable:
    """How many slots each device has, and which task holds which slot."""

    def __init__(self, limits: Mapping[str, Mapping[str, int]]) -> None:
        """Create a table of open devices: `limits` by device and kind."""
        self._offers = {device: Offer(kinds) for device, kinds in limits.items()}
        self._holdings: dict[tuple[str, int], Holding] = {}
        #: number of runs by device and kind, by device, kind and node, and by node
        self._used: Counter[tuple[str, ...]] = Counter()

    def __len__(self) -> int:
        """The number of slots in use."""
        return len(self._holdings)

    @property
    def devices(self) -> list[str]:
        """The CPU first, then the GPUs by number."""
        return sorted(self._offers, key=device_order)

    @property
    def holdings(self) -> list[Holding]:
        return list(self._holdings.values())

    def limits(self, device: str) -> dict[str, int]:
        """The device's limits by kind, as they were set; empty for an unknown device."""
        offer = self._offers.get(device)
        return dict(offer.limits) if offer else {}

    def nodes(self, device: str, kind: str) -> list[str]:
        """The nodes where the device has slots of this kind, free or not."""
        offer = self._offers.get(device)
        return list(offer.nodes) if offer and offer.limits.get(kind) else []

    def uses(self) -> Iterator[SlotUse]:
        """Yield the slots of each device that is there and of each kind, on all its nodes together."""
        for device in self.devices:
            offer = self._offers[device]
            for kind, limit in offer.limits.items():
                nodes = 1 if kind in OVER_ALL_NODES else len(offer.nodes)
                yield SlotUse(device, kind, self.used(device, kind), limit * nodes)

    def update(self, offers: Mapping[str, Offer], lost: Collection[str] = ()) -> None:
        """Add and change devices, and remove the lost ones. The runs there hold their slots until `release`."""
        for device in lost:
            self._offers.pop(device, None)
        self._offers |= offers

    def is_open(self, device: str) -> bool:
        offer = self._offers.get(device)
        return offer is not None and offer.is_open and bool(offer.nodes)

    def capacity(self, device: str, kind: str, avoided: Collection[str] = ()) -> int:
        """The number of slots, free or not, on all nodes but the avoided ones. The device may be closed."""
        offer = self._offers.get(device)
        if offer is None:
            return 0
        nodes = sum(node_id not in avoided for node_id in offer.nodes)
        return offer.limits.get(kind, 0) * nodes

    def used(self, device: str, kind: str) -> int:
        return self._used[device, kind]

    def free(self, device: str, kind: str, avoided: Collection[str] = ()) -> int:
        """The number of free slots on all nodes but the avoided ones, never above 0 on a device that is not open.

        It is negative while more runs are active than a lowered limit allows: they are left to finish.
        """
        offer = self._offers.get(device)
        nodes = [node_id for node_id in (offer.nodes if offer else ()) if node_id not in avoided]
        by_node = [self._free_on(device, kind, node_id) for node_id in nodes]
        if not by_node:
            return -self.used(device, kind)
        if kind in OVER_ALL_NODES:
            free = by_node[0]
        else:
            free = sum(count for count in by_node if count > 0) or max(by_node)
        return free if self.is_open(device) else min(0, free)

    def take(self, task_id: str, device: str, kind: str, avoided: Collection[str] = (), rank: int = 0) -> Holding:
        """Give the task a free slot, on the node that then has the most CPUs for each of its runs.

        Args:
            task_id: The task.
            device: The device.
            kind: The kind of slot.
            avoided: Nodes where the task must not be.
            rank: The worker of the task's run.

        Raises:
            ValueError: There is no free slot, or the task already holds one. Both are bugs in the caller.
        """
        if (task_id, rank) in self._holdings:
            raise ValueError(f"task {task_id} holds a slot already")
        if self.free(device, kind, avoided) <= 0:
            raise ValueError(f"no free {kind} slot on {device}")
        cpus = self._offers[device].nodes
        node_id = max(
            (id_ for id_ in cpus if id_ not in avoided and self._free_on(device, kind, id_) > 0),
            key=lambda node_id: (cpus[node_id] / (self._used[node_id,] + 1), -self._used[node_id,]),
        )
        parts = cpus if kind in OVER_ALL_NODES else [node_id]
        fraction = min(self._next_fraction(device, part) for part in parts)
        return self.hold(task_id, device, kind, fraction, node_id, rank)

    def hold(
        self, task_id: str, device: str, kind: str, fraction: float, node_id: str = SOME_NODE, rank: int = 0
    ) -> Holding:
        """Record a run that already exists (after a restart), even if the limits do not allow it."""
        holding = self._holdings[task_id, rank] = Holding(task_id, device, kind, fraction, node_id, rank)
        self._count(holding, 1)
        return holding

    def fraction(self, task_id: str) -> float:
        return self._holdings[task_id, 0].fraction

    def release(self, task_id: str) -> None:
        """Free the slots of all workers of the task."""
        rank = 0
        while holding := self._holdings.pop((task_id, rank), None):
            self._count(holding, -1)
            rank += 1

    def _count(self, holding: Holding, step: int) -> None:
        device, kind, node_id = holding.device, holding.kind, holding.node_id
        for key in ((device, kind), (device, kind, node_id), (node_id,)):
            self._used[key] += step
            if not self._used[key]:  # nodes come and go
                del self._used[key]

    def _free_on(self, device: str, kind: str, node_id: str) -> int:
        key = (device, kind) if kind in OVER_ALL_NODES else (device, kind, node_id)
        return self._offers[device].limits.get(kind, 0) - self._used[key]

    def _next_fraction(self, device: str, node_id: str) -> float:
        """1 / (sum of limits), so that all slots of the node together fill it.

        It is less while runs that started under lower limits hold larger fractions. The free slots then divide the
        rest of the device, so that no run waits for the older ones.
        """
        limits = self._offers[device].limits
        held = sum(
            h.fraction
            for h in self._holdings.values()
            if h.device == device and (h.node_id == node_id or h.kind in OVER_ALL_NODES)
        )
        free_slots = sum(max(0, self._free_on(device, kind, node_id)) for kind in limits)
        return min(1 / sum(limits.values()), max(0.0, 1 - held) / free_slots)
