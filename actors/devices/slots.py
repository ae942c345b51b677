"""Slots: the places on devices that runs take. Bookkeeping only: no Ray, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass

from actors.devices.numbering import device_order
from rfuav_ray.api.kinds import KINDS

TRAINING, INFERENCE, PREPROCESSING = "training", "inference", "preprocessing"


def slot_kind(task_kind: str) -> str:
    """The kind of slot that a task takes."""
    return KINDS[task_kind].slot_kind


@dataclass(frozen=True)
class Holding:
    task_id: str
    device: str
    kind: str
    #: fraction of the device, 0 to 1, that Ray counts for the run
    fraction: float


class SlotTable:
    """How many slots each device has, and which task holds which slot."""

    def __init__(self, limits: Mapping[str, Mapping[str, int]]) -> None:
        self._caps = {device: dict(kinds) for device, kinds in limits.items()}
        self._closed: set[str] = set()
        self._holdings: dict[str, Holding] = {}

    @property
    def devices(self) -> list[str]:
        """The CPU first, then the GPUs by number."""
        return sorted(self._caps, key=device_order)

    @property
    def holdings(self) -> list[Holding]:
        return list(self._holdings.values())

    def limits(self, device: str) -> dict[str, int]:
        """The device's limits by kind; empty for an unknown device."""
        return dict(self._caps.get(device, {}))

    def add(self, device: str, limits: Mapping[str, int], *, is_open: bool) -> None:
        """Add a device, or update the limits of a known one. Runs can start only on an open device."""
        self._caps[device] = dict(limits)
        if is_open:
            self._closed.discard(device)
        else:
            self._closed.add(device)

    def remove(self, device: str) -> None:
        """Remove a device that is gone. Its runs hold their slots until `release`."""
        self._caps.pop(device, None)
        self._closed.discard(device)

    def is_open(self, device: str) -> bool:
        return device in self._caps and device not in self._closed

    def used(self, device: str, kind: str) -> int:
        return sum(h.device == device and h.kind == kind for h in self._holdings.values())

    def free(self, device: str, kind: str) -> int:
        """The number of free slots, never above 0 on a device that is not open.

        It is negative while more runs are active than a lowered limit allows: they are left to finish.
        """
        free = self._caps.get(device, {}).get(kind, 0) - self.used(device, kind)
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

    def fraction(self, task_id: str) -> float:
        return self._holdings[task_id].fraction

    def release(self, task_id: str) -> None:
        self._holdings.pop(task_id, None)

    def _next_fraction(self, device: str) -> float:
        """1 / (sum of limits), so that all slots together fill the device.

        It is less while runs that started under lower limits hold larger fractions. The free slots then divide the
        rest of the device, so that no run waits for the older ones.
        """
        limits = self._caps[device]
        held = sum(h.fraction for h in self._holdings.values() if h.device == device)
        free_slots = sum(max(0, self.free(device, kind)) for kind in limits)
        return min(1 / sum(limits.values()), max(0.0, 1 - held) / free_slots)
