"""The waiting tasks, most urgent first, and which of them can start now. Pure; knows nothing of Ray."""

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from typing import NamedTuple

from actors.devices import ANY_GPU, CPU
from actors.slots import SlotTable, slot_kind
from rfuav_ray.tasks import TaskRecord

#: priority, number of submission, task id: 1 first, then by submission
Place = tuple[int, int, str]


class Line(NamedTuple):
    """What tasks wait for; those that wait for the same thing stand in one line."""

    #: cpu, cuda or cuda:N
    wanted_device: str
    slot_kind: str

    def competes_with(self, other: "Line") -> bool:
        devices = {self.wanted_device, other.wanted_device}
        return self.slot_kind == other.slot_kind and (
            len(devices) == 1 or (ANY_GPU in devices and CPU not in devices)
        )

    def candidates(self, slots: SlotTable) -> list[str]:
        """The devices of the cluster that would do; `cuda` means the CPU where there is no GPU."""
        if self.wanted_device == ANY_GPU:
            return [device for device in slots.devices if device != CPU] or [CPU]
        return [device for device in slots.devices if device == self.wanted_device]

    def waits_for(self, slots: SlotTable) -> str:
        """In words, for the task's log."""
        devices, kind = self.candidates(slots), self.slot_kind
        if not devices:
            return f"Waiting for {self.wanted_device}, which is not in the cluster at present."
        names = ", ".join(devices)
        if not any(slots.caps(device).get(kind) for device in devices):
            return f"Waiting: the cap for {kind} is 0 on {names}."
        if not any(slots.is_open(device) for device in devices):
            return f"Waiting for {names}: being prepared, or in use by another program of the Ray cluster."
        return f"Waiting for a free {kind} slot on {names}."


def line_of(task: TaskRecord) -> Line:
    return Line(task.wanted_device, slot_kind(task.kind))


def _place(task: TaskRecord) -> Place:
    return (task.priority, task.number, task.id)


class TaskQueue:
    def __init__(self) -> None:
        self._lines: dict[Line, list[Place]] = {}
        self._tasks: dict[str, TaskRecord] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._tasks

    def __iter__(self) -> Iterator[TaskRecord]:
        """By priority and submission."""
        return (self._tasks[task_id] for _, _, task_id in heapq.merge(*self._lines.values()))

    @property
    def lines(self) -> list[Line]:
        return list(self._lines)

    def ids(self, line: Line) -> list[str]:
        """Of the tasks in the line, in order."""
        return [task_id for _, _, task_id in self._lines[line]]

    def position(self, task: TaskRecord) -> int:
        """1 for the next to start among those that want the same slots."""
        line, place = line_of(task), _place(task)
        return 1 + sum(
            bisect_left(places, place) for other, places in self._lines.items() if line.competes_with(other)
        )

    def put(self, task: TaskRecord) -> None:
        """Add the task, or move it after its priority changed."""
        self.discard(task.id)
        insort(self._lines.setdefault(line_of(task), []), _place(task))
        self._tasks[task.id] = task

    def discard(self, task_id: str) -> None:
        task = self._tasks.pop(task_id, None)
        if task is None:
            return
        line = line_of(task)
        places = self._lines[line]
        del places[bisect_left(places, _place(task))]
        if not places:
            del self._lines[line]

    def startable(self, slots: SlotTable, free_memory_of: Callable[[str], float]) -> list[tuple[TaskRecord, str]]:
        """Take slots for every task that can start now; returns these tasks with their devices.

        A task that waits for a busy device never holds back one for a free device.
        """
        started = []
        moving = set(self._lines)
        while moving:
            line = min(moving, key=lambda line: self._lines[line][0])
            device = _choose(line, slots, free_memory_of)
            if device is None:
                moving.remove(line)
                continue
            task = self._tasks[self._lines[line][0][2]]
            slots.take(task.id, device, line.slot_kind)
            self.discard(task.id)
            moving &= self._lines.keys()
            started.append((task, device))
        return started


def _choose(line: Line, slots: SlotTable, free_memory_of: Callable[[str], float]) -> str | None:
    """The device for the next task of a line, or None while there is none with a free slot."""
    kind = line.slot_kind
    free = [device for device in line.candidates(slots) if slots.free(device, kind) > 0]
    return max(free, key=lambda device: (slots.free(device, kind), free_memory_of(device)), default=None)
