"""Slots: shares of devices that runs take. Pure bookkeeping; knows nothing of Ray."""

from collections.abc import Mapping
from dataclasses import dataclass

from actors.devices.numbering import device_order

TRAINING, INFERENCE, PREPROCESSING = "training", "inference", "preprocessing"


def slot_kind(task_kind: str) -> str:
    """Which slots a task of this kind takes: split, augment and crop are all preprocessing."""
    return task_kind if task_kind in {TRAINING, INFERENCE} else PREPROCESSING


@dataclass(frozen=True)
class Holding:
    task_id: str
    device: str
    kind: str
    #: the part of the device, 0..1, that the run has in Ray's books
    share: float


class SlotTable:
    """Who holds which slot, and how many there are."""

    def __init__(self, caps: Mapping[str, Mapping[str, int]]) -> None:
        self._caps = {device: dict(kinds) for device, kinds in caps.items()}
        self._closed: set[str] = set()
        self._holdings: dict[str, Holding] = {}

    @property
    def devices(self) -> list[str]:
        """The CPU first, then the GPUs by number."""
        return sorted(self._caps, key=device_order)

    @property
    def holdings(self) -> list[Holding]:
        return list(self._holdings.values())

    def caps(self, device: str) -> dict[str, int]:
        """The device's slots by kind; empty when there is no such device."""
        return dict(self._caps.get(device, {}))

    def add(self, device: str, caps: Mapping[str, int], *, is_open: bool) -> None:
        """A device that joined, or what has changed of one."""
        self._caps[device] = dict(caps)
        if is_open:
            self._closed.discard(device)
        else:
            self._closed.add(device)

    def remove(self, device: str) -> None:
        """The device is gone; its runs hold their slots until they are released."""
        self._caps.pop(device, None)
        self._closed.discard(device)

    def is_open(self, device: str) -> bool:
        return device in self._caps and device not in self._closed

    def used(self, device: str, kind: str) -> int:
        return sum(h.device == device and h.kind == kind for h in self._holdings.values())

    def free(self, device: str, kind: str) -> int:
        """May be negative after a cap was lowered: running work is left to finish."""
        free = self._caps.get(device, {}).get(kind, 0) - self.used(device, kind)
        return free if self.is_open(device) else min(0, free)

    def take(self, task_id: str, device: str, kind: str) -> None:
        """Raises ValueError when there is no free slot or the task holds one: a bug of the caller."""
        if task_id in self._holdings:
            raise ValueError(f"task {task_id} holds a slot already")
        if self.free(device, kind) <= 0:
            raise ValueError(f"no free {kind} slot on {device}")
        self.hold(task_id, device, kind, self._next_share(device))

    def hold(self, task_id: str, device: str, kind: str, share: float) -> None:
        """Record a run that is already there, whatever the caps say (after a restart)."""
        self._holdings[task_id] = Holding(task_id, device, kind, share)

    def share(self, task_id: str) -> float:
        return self._holdings[task_id].share

    def release(self, task_id: str) -> None:
        self._holdings.pop(task_id, None)

    def _next_share(self, device: str) -> float:
        """1 / (sum of caps), so that the slots together fill the device.

        Less while runs that started under lower caps hold more: it is split among the free slots, so that no run
        waits for them.
        """
        caps = self._caps[device]
        held = sum(h.share for h in self._holdings.values() if h.device == device)
        free_slots = sum(max(0, self.free(device, kind)) for kind in caps)
        return min(1 / sum(caps.values()), max(0.0, 1 - held) / free_slots)
