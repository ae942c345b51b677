"""Slots: the places on devices that runs take. Bookkeeping only: no Ray, no I/O."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from actors.devices.numbering import device_order
from rfuav_ray.api.kinds import KINDS

TRAINING, INFERENCE, PREPROCESSING = "training", "inference", "preprocessing"


def slot_kind(task_kind: str) -> str:
    """The kind of slot that a task takes."""
    return KINDS[task_kind].slot_kind


@dataclass(frozen=True)
class Offer:
    """What a device offers."""

    #: number of slots by kind
    limits: Mapping[str, int]
    #: runs can start there now
    is_open: bool = True


@dataclass(frozen=True)
class Holding:
    task_id: str
    device: str
    kind: str
    #: fraction of the device, 0 to 1, that Ray counts for the run
    fraction: float


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
        self._holdings: dict[str, Holding] = {}
        #: number of slots in use by device and kind
        self._used: Counter[tuple[str, str]] = Counter()

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
        """The device's limits by kind; empty for an unknown device."""
        offer = self._offers.get(device)
        return dict(offer.limits) if offer else {}

    def uses(self) -> Iterator[SlotUse]:
        """Yield the slots of each device that is there and of each kind."""
        for device in self.devices:
            for kind, limit in self._offers[device].limits.items():
                yield SlotUse(device, kind, self.used(device, kind), limit)

    def update(self, offers: Mapping[str, Offer], lost: Collection[str] = ()) -> None:
        """Add and change devices, and remove the lost ones. The runs there hold their slots until `release`."""
        for device in lost:
            self._offers.pop(device, None)
        self._offers |= offers

    def is_open(self, device: str) -> bool:
        offer = self._offers.get(device)
        return offer is not None and offer.is_open

    def used(self, device: str, kind: str) -> int:
        return self._used[device, kind]

    def free(self, device: str, kind: str) -> int:
        """The number of free slots, never above 0 on a device that is not open.

        It is negative while more runs are active than a lowered limit allows: they are left to finish.
        """
        offer = self._offers.get(device)
        free = (offer.limits.get(kind, 0) if offer else 0) - self.used(device, kind)
        return free if self.is_open(device) else min(0, free)

    def take(self, task_id: str, device: str, kind: str) -> None:
        """Give the task a free slot.

        Raises:
            ValueError: There is no free slot, or the task already holds one. Both are bugs in the caller.
        """
        if task_id in self._holdings:
            raise ValueError(f"task {task_id} holds a slot already")
        if self.free(device, kind) <= 0:
            raise ValueError(f"no free {kind} slot on {device}")
        self.hold(task_id, device, kind, self._next_fraction(device))

    def hold(self, task_id: str, device: str, kind: str, fraction: float) -> None:
        """Record a run that already exists (after a restart), even if the limits do not allow it."""
        self._holdings[task_id] = Holding(task_id, device, kind, fraction)
        self._used[device, kind] += 1

    def fraction(self, task_id: str) -> float:
        return self._holdings[task_id].fraction

    def release(self, task_id: str) -> None:
        if holding := self._holdings.pop(task_id, None):
            self._used[holding.device, holding.kind] -= 1

    def _next_fraction(self, device: str) -> float:
        """1 / (sum of limits), so that all slots together fill the device.

        It is less while runs that started under lower limits hold larger fractions. The free slots then divide the
        rest of the device, so that no run waits for the older ones.
        """
        limits = self._offers[device].limits
        held = sum(h.fraction for h in self._holdings.values() if h.device == device)
        free_slots = sum(max(0, self.free(device, kind)) for kind in limits)
        return min(1 / sum(limits.values()), max(0.0, 1 - held) / free_slots)
