"""Slots: shares of devices that runs take. Pure bookkeeping; knows nothing of Ray."""

from collections.abc import Mapping
from dataclasses import dataclass

TRAINING, INFERENCE, PREPROCESSING = "training", "inference", "preprocessing"

#: slots by device and kind
Caps = dict[str, dict[str, int]]


def slot_kind(task_kind: str) -> str:
    """Which slots a task of this kind takes: split, augment and crop are all preprocessing."""
    return task_kind if task_kind in {TRAINING, INFERENCE} else PREPROCESSING


@dataclass(frozen=True)
class Holding:
    task_id: str
    device: str
    kind: str


class SlotTable:
    """Who holds which slot, and how many there are."""

    def __init__(self, caps: Caps) -> None:
        self._caps = {device: dict(kinds) for device, kinds in caps.items()}
        self._holdings: dict[str, Holding] = {}

    @property
    def devices(self) -> list[str]:
        return list(self._caps)

    @property
    def caps(self) -> Caps:
        return {device: dict(kinds) for device, kinds in self._caps.items()}

    @property
    def holdings(self) -> list[Holding]:
        return list(self._holdings.values())

    def used(self, device: str, kind: str) -> int:
        return sum(h.device == device and h.kind == kind for h in self._holdings.values())

    def free(self, device: str, kind: str) -> int:
        """May be negative after a cap was lowered: running work is left to finish."""
        return self._caps.get(device, {}).get(kind, 0) - self.used(device, kind)

    def take(self, task_id: str, device: str, kind: str) -> None:
        """Raises ValueError when there is no free slot or the task holds one: a bug of the caller."""
        if task_id in self._holdings:
            raise ValueError(f"task {task_id} holds a slot already")
        if self.free(device, kind) <= 0:
            raise ValueError(f"no free {kind} slot on {device}")
        self._holdings[task_id] = Holding(task_id, device, kind)

    def hold(self, task_id: str, device: str, kind: str) -> None:
        """Record a run that is already there, whatever the caps say (after a restart)."""
        self._holdings[task_id] = Holding(task_id, device, kind)

    def release(self, task_id: str) -> None:
        self._holdings.pop(task_id, None)

    def update(self, caps: Mapping[str, Mapping[str, int]]) -> None:
        """Change the caps that are named, of known devices; the others stay."""
        for device, kinds in caps.items():
            self._caps[device].update(kinds)

    def share(self, device: str) -> float:
        """The part of the device that one run takes, so that the caps together fill it: 1 / (sum of caps)."""
        return 1 / max(1, sum(self._caps[device].values()))
