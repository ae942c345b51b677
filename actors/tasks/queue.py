"""The waiting tasks, most urgent first. No Ray, no I/O."""

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import NamedTuple

from actors.devices.numbering import ANY_GPU, CPU
from actors.devices.slots import SlotTable, slot_kind
from actors.tasks.leases import leased_folder
from rfuav_ray.tasks import TaskRecord

#: priority (1 is the most urgent), number of submission, task id; tasks start in this order
Place = tuple[int, int, str]


class Line(NamedTuple):
    """The line of all tasks that want the same device and the same kind of slot."""

    #: cpu, cuda or cuda:N
    wanted_device: str
    slot_kind: str

    def competes_with(self, other: "Line") -> bool:
        devices = {self.wanted_device, other.wanted_device}
        return self.slot_kind == other.slot_kind and (
            len(devices) == 1 or (ANY_GPU in devices and CPU not in devices)
        )

    def candidates(self, slots: SlotTable) -> list[str]:
        """The devices of the cluster that the tasks can use. Without a GPU, `cuda` means the CPU."""
        if self.wanted_device == ANY_GPU:
            return [device for device in slots.devices if device != CPU] or [CPU]
        return [device for device in slots.devices if device == self.wanted_device]

    def waits_for(self, slots: SlotTable, workers: int = 1) -> str:
        """The reason to wait, for the tasks' logs. `workers` is the number of slots that a task needs together."""
        devices, kind = self.candidates(slots), self.slot_kind
        if not devices:
            return f"Waiting for {self.wanted_device}. The cluster does not have this device now."
        names = ", ".join(devices)
        if not any(slots.limits(device).get(kind) for device in devices):
            return f"Waiting: the limit for {kind} is 0 on {names}."
        if not any(slots.is_open(device) for device in devices):
            return (
                f"Waiting for {names}. The devices are being prepared, their node does not answer, or another "
                "program of the Ray cluster uses them."
            )
        if workers > 1:
            return f"Waiting for {workers} free {kind} slots at the same time on {names}."
        return f"Waiting for a free {kind} slot on {names}."


def line_of(task: TaskRecord) -> Line:
    return Line(task.wanted_device, slot_kind(task.kind))


def place_of(task: TaskRecord) -> Place:
    return (task.priority, task.number, task.id)


class TaskQueue:
    def __init__(self) -> None:
        self._lines: dict[Line, list[Place]] = {}
        self._tasks: dict[str, TaskRecord] = {}
        #: ids of the waiting tasks, by the folder that they will write
        self._by_folder: dict[str, set[str]] = {}
        #: those in the lines that need several slots together
        self._groups: dict[Line, list[Place]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, task_id: str) -> bool:
        return task_id in self._tasks

    def __iter__(self) -> Iterator[TaskRecord]:
        """The tasks by priority, then by submission."""
        return (self._tasks[task_id] for _, _, task_id in heapq.merge(*self._lines.values()))

    @property
    def lines(self) -> list[Line]:
        return list(self._lines)

    def get(self, task_id: str) -> TaskRecord | None:
        """The task as it was put into the queue; None if it does not wait."""
        return self._tasks.get(task_id)

    def tasks(self, line: Line) -> Iterator[TaskRecord]:
        """The tasks in the line, in order."""
        return (self._tasks[task_id] for _, _, task_id in self._lines[line])

    @property
    def lines_with_groups(self) -> list[Line]:
        return list(self._groups)

    def groups(self, line: Line) -> Iterator[TaskRecord]:
        """The tasks in the line that need several slots together, in order."""
        return (self._tasks[task_id] for _, _, task_id in self._groups.get(line, ()))

    def position(self, task: TaskRecord) -> int:
        """The task's position among the tasks that want the same slots. 1 is the next to start."""
        line, place = line_of(task), place_of(task)
        return 1 + sum(
            bisect_left(places, place) for other, places in self._lines.items() if line.competes_with(other)
        )

    def next_for(self, folder: str, count: int) -> list[TaskRecord]:
        """The first `count` waiting tasks that will write this folder."""
        waiting = (self._tasks[task_id] for task_id in self._by_folder.get(folder, ()))
        return heapq.nsmallest(count, waiting, key=place_of)

    def put(self, task: TaskRecord) -> None:
        """Add the task, or move it after its priority changed."""
        self.discard(task.id)
        for lines in self._lines_of(task):
            insort(lines.setdefault(line_of(task), []), place_of(task))
        self._tasks[task.id] = task
        if (folder := leased_folder(task)) is not None:
            self._by_folder.setdefault(folder, set()).add(task.id)

    def discard(self, task_id: str) -> None:
        task = self._tasks.pop(task_id, None)
        if task is None:
            return
        line = line_of(task)
        for lines in self._lines_of(task):
            places = lines[line]
            del places[bisect_left(places, place_of(task))]
            if not places:
                del lines[line]
        if (folder := leased_folder(task)) is not None:
            self._by_folder[folder].discard(task.id)
            if not self._by_folder[folder]:
                del self._by_folder[folder]

    def _lines_of(self, task: TaskRecord) -> list[dict[Line, list[Place]]]:
        return [self._lines, self._groups] if task.worker_count > 1 else [self._lines]
