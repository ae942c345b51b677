"""The waiting tasks, most urgent first, and which of them can start now. Pure; knows nothing of Ray."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator

from actors.slots import SlotTable, slot_kind
from rfuav_ray.tasks import TaskRecord

CPU, ANY_GPU = "cpu", "cuda"


def order(task: TaskRecord) -> tuple[int, int]:
    """Priority 1 first, then submission."""
    return (task.priority, task.number)


class TaskQueue:
    def __init__(self) -> None:
        self._order: list[tuple[int, int, str]] = []
        self._tasks: dict[str, TaskRecord] = {}

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[TaskRecord]:
        """In the order in which they should start."""
        return (self._tasks[task_id] for _, _, task_id in self._order)

    def put(self, task: TaskRecord) -> None:
        """Add the task, or move it after its priority changed."""
        self.discard(task.id)
        insort(self._order, (*order(task), task.id))
        self._tasks[task.id] = task

    def discard(self, task_id: str) -> None:
        if task := self._tasks.pop(task_id, None):
            del self._order[bisect_left(self._order, (*order(task), task_id))]

    def startable(self, slots: SlotTable, free_memory_of: Callable[[str], float]) -> list[tuple[TaskRecord, str]]:
        """Take slots for every task that can start now; returns these tasks with their devices.

        A task that waits for a busy device never holds back one for a free device.
        """
        started = []
        full: set[tuple[str, str]] = set()
        for task in list(self):
            wish = (task.wanted_device, slot_kind(task.kind))
            if wish in full:
                continue
            device = _choose(*wish, slots, free_memory_of)
            if device is None:
                full.add(wish)
                continue
            slots.take(task.id, device, wish[1])
            self.discard(task.id)
            started.append((task, device))
        return started


def _choose(wanted: str, kind: str, slots: SlotTable, free_memory_of: Callable[[str], float]) -> str | None:
    """The device for a task, or None while there is none with a free slot."""
    if wanted == ANY_GPU:
        candidates = [device for device in slots.devices if device != CPU] or [CPU]
    else:
        candidates = [device for device in slots.devices if device == wanted]
    free = [device for device in candidates if slots.free(device, kind) > 0]
    return max(free, key=lambda device: (slots.free(device, kind), free_memory_of(device)), default=None)
