"""Decides which waiting task starts on which device, and what the others wait for. No Ray, no I/O, no clock."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from actors.devices.numbering import ANY_GPU, CPU
from actors.devices.slots import SOME_NODE, TRAINING, Holding, Offer, SlotTable, slot_kind
from actors.tasks.leases import FolderLeases, leased_folder
from actors.tasks.queue import Line, Place, TaskQueue, line_of, place_of
from rfuav_ray.tasks import TaskRecord, TaskStatus

#: when a folder's holder changes, this many tasks that wait for it get the new reason: thousands would take long
WAITING_SHOWN = 200


class Start(NamedTuple):
    task: TaskRecord
    device: str
    #: fraction of the device on its node, 0 to 1
    fraction: float
    node_id: str
    #: the slots of its workers besides the first one, by rank
    more: tuple[Holding, ...] = ()


class NewReason(NamedTuple):
    """A waiting task has another reason to wait than before."""

    task_id: str
    reason: str
    #: for its log too, not only for its record. Not each new holder of a folder is worth a line
    is_logged: bool


class Decisions(NamedTuple):
    starts: list[Start]
    reasons: list[NewReason]


class Scheduler:
    """Queue, slots and leases.

    A decision has already taken its slot and its folder. So the caller carries it out without an await in between.
    """

    def __init__(self, free_memory_gb: Callable[[str], float]) -> None:
        """Create a scheduler without devices and tasks.

        Args:
            free_memory_gb: Returns the free memory of a device. It decides between devices with the same number of
                free slots.
        """
        self.slots = SlotTable({})
        self.queue = TaskQueue()
        self.is_stopping = False
        self._leases = FolderLeases()
        self._free_memory_gb = free_memory_gb
        #: the reasons of lines that were asked for. Only a change of the devices changes them
        self._line_reasons: dict[tuple[Line, int], str] = {}
        #: the most workers that a run could have had at some time, by wish
        self._most_workers: dict[Line, int] = {}
        #: the nodes without the inputs of a task, by task id
        self._without_inputs: dict[str, frozenset[str]] = {}
        #: folders that changed hands since the last decision
        self._changed_folders: set[str] = set()

    # What happens to tasks. `decide` says what follows.

    def put(self, task: TaskRecord) -> None:
        """Let a task wait: a new one, a moved one, or one whose run has ended early. It keeps its folder."""
        self.slots.release(task.id)
        self.queue.put(task)

    def forget(self, task: TaskRecord) -> None:
        """Free what a task has that has ended."""
        self.queue.discard(task.id)
        self.slots.release(task.id)
        self._without_inputs.pop(task.id, None)
        if (folder := leased_folder(task)) is not None and self._leases.release(folder, task.id):
            self._changed_folders.add(folder)

    def avoid(self, task_id: str, nodes: Iterable[str]) -> None:
        """Keep a task away from nodes that do not have its inputs, as long as it has another place."""
        self._without_inputs[task_id] = frozenset(nodes)

    def recover(self, tasks: Iterable[TaskRecord]) -> Decisions:
        """Take over the tasks of before a restart. Those that wait get their reasons again."""
        for task in tasks:
            if task.attempt > 0:  # it was started and has not ended
                self._leases.take(leased_folder(task), task.id)
            if task.status is TaskStatus.PENDING:
                self.queue.put(task)
            elif task.status is TaskStatus.RUNNING and task.device is not None:
                kind = slot_kind(task.kind)
                self.slots.hold(task.id, task.device, kind, task.device_share, task.node_id or SOME_NODE)
                for rank, place in enumerate(task.workers[1:], start=1):
                    self.slots.hold(task.id, place.device, kind, place.device_share, place.node_id, rank)
        decisions = self.decide()
        decisions.reasons.extend(NewReason(task.id, self.reason(task), False) for task in self.queue)
        return decisions

    def update_devices(self, offers: Mapping[str, Offer], lost: Collection[str] = ()) -> Decisions:
        """Use these devices from now on.

        Args:
            offers: The devices of the cluster.
            lost: Devices that are gone, or whose number now belongs to another GPU. Their runs hold their slots
                until they have ended.
        """
        before = {line: self._line_reason(line) for line in self.queue.lines}
        elsewhere = [task for task_id in self._without_inputs if (task := self.queue.get(task_id))]
        place_reasons = {task.id: self._place_reason(task) for task in elsewhere}
        self.slots.update(offers, lost)
        self._line_reasons.clear()
        for wish in (CPU, ANY_GPU):
            line = Line(wish, TRAINING)
            now = self._most_on(line.candidates(self.slots))
            self._most_workers[line] = max(self._most_workers.get(line, 0), now)
        decisions = self.decide()
        for line in self.queue.lines:
            if self._line_reason(line) != before[line]:
                for task in self.queue.tasks(line):
                    reason, of_line = self.reason(task), self._line_reason(line, task.worker_count)
                    decisions.reasons.append(NewReason(task.id, reason, is_logged=reason == of_line))
        for task in elsewhere:
            if task.id in self.queue and self._place_reason(task) != place_reasons[task.id]:
                decisions.reasons.append(NewReason(task.id, self.reason(task), is_logged=False))
        return decisions

    # Decisions

    def decide(self, new: Sequence[str] = ()) -> Decisions:
        """Start every task that can start now.

        A task that waits for a busy device or for a folder never blocks a task that does not.

        Args:
            new: Tasks that were put into the queue. If they have to wait, their log says what for.
        """
        starts = [] if self.is_stopping else self._starts()
        reasons = [
            NewReason(task.id, self.reason(task), False)
            for folder in sorted(self._changed_folders)
            for task in self.queue.next_for(folder, WAITING_SHOWN)
        ]
        self._changed_folders.clear()
        for task_id in () if self.is_stopping else new:
            task = self.queue.get(task_id)
            if task is not None and (reason := self.reason(task)) != task.message:
                reasons.append(NewReason(task_id, reason, True))
        return Decisions(starts, reasons)

    def reason(self, task: TaskRecord) -> str:
        """What a waiting task waits for."""
        of_line = self._line_reason(line_of(task), task.worker_count)
        return self._folder_reason(task) or self._place_reason(task) or of_line

    def places(self, task: TaskRecord) -> set[str]:
        """The nodes where the task could run if their slots were free."""
        line = line_of(task)
        return {
            node_id
            for device in line.candidates(self.slots)
            for node_id in self.slots.nodes(device, line.slot_kind)
        }

    def waits_for(self, task: TaskRecord) -> str | None:
        """What a task would wait for that is put into the queue now; None if it could start at once."""
        line, gathering = line_of(task), self._gathering(line_of(task))
        is_behind = gathering is not None and gathering < place_of(task)
        can_start = self._is_free(line) and self._has_room(task) and not is_behind
        return self._folder_reason(task) or (None if can_start else self._line_reason(line, task.worker_count))

    def most_workers(self, task: TaskRecord) -> int:
        """How many workers a run of the training could have on the open devices, if all their slots were free."""
        open_devices = [device for device in line_of(task).candidates(self.slots) if self.slots.is_open(device)]
        return self._most_on(open_devices, self._avoided(task))

    def most_workers_ever(self, task: TaskRecord) -> int:
        """The same, at the best time since this service started. One worker may always be asked for."""
        return max(1, self._most_workers.get(line_of(task), 1))

    def _most_on(self, devices: Sequence[str], avoided: Collection[str] = ()) -> int:
        slots = [self.slots.capacity(device, TRAINING, avoided) for device in devices]
        # Two workers on one GPU would only get in each other's way, and NCCL refuses them.
        return sum(slots) if list(devices) == [CPU] else sum(count > 0 for count in slots)

    def _folder_reason(self, task: TaskRecord) -> str | None:
        folder = leased_folder(task)
        holder = self._leases.other_holder(folder, task.id)
        return holder and f"Waiting for task {holder}. It writes into the same folder '{folder}'."

    def _place_reason(self, task: TaskRecord) -> str | None:
        if not self._avoided(task):
            return None
        line = line_of(task)
        names = ", ".join(line.candidates(self.slots))
        return f"Waiting for a free {line.slot_kind} slot on {names}, on a node that has the task's inputs."

    def _avoided(self, task: TaskRecord) -> frozenset[str]:
        """The nodes where the task must not run: none if it has no other place, so that it can say so."""
        nodes = self._without_inputs.get(task.id, frozenset())
        return nodes if nodes and self.places(task) - nodes else frozenset()

    def _line_reason(self, line: Line, workers: int = 1) -> str:
        if (line, workers) not in self._line_reasons:
            self._line_reasons[line, workers] = line.waits_for(self.slots, workers)
        return self._line_reasons[line, workers]

    def _starts(self) -> list[Start]:
        starts = []
        moving = set(self.queue.lines)
        while moving:
            moving = {line for line in moving.intersection(self.queue.lines) if self._is_free(line)}
            heads = [task for line in moving if (task := self._first(line))]
            if not heads:
                break
            task = min(heads, key=place_of)
            devices = self._choose(task)
            assert devices is not None
            kind, avoided = slot_kind(task.kind), self._avoided(task)
            slot, *more = (
                self.slots.take(task.id, device, kind, avoided, rank) for rank, device in enumerate(devices)
            )
            if (folder := leased_folder(task)) is not None:
                self._leases.take(folder, task.id)
                self._changed_folders.add(folder)
            self.queue.discard(task.id)
            starts.append(Start(task, slot.device, slot.fraction, slot.node_id, tuple(more)))
        return starts

    def _first(self, line: Line) -> TaskRecord | None:
        """The most urgent task of a line with a free slot, without those whose folder or whose place is taken."""
        gathering = self._gathering(line)
        for task in self.queue.tasks(line):
            if gathering is not None and gathering < place_of(task):
                return None
            if self._folder_reason(task) is None and self._has_room(task):
                return task
        return None

    def _has_room(self, task: TaskRecord) -> bool:
        """Whether a task of a line with a free slot has all that it needs."""
        return (task.worker_count == 1 and not self._avoided(task)) or self._choose(task) is not None

    def _gathering(self, line: Line) -> Place | None:
        """The place of the most urgent task that gathers slots of this line.

        If later tasks took them one by one, it would never have them together.
        """
        places = []
        for other in self.queue.lines_with_groups:
            if other.slot_kind == line.slot_kind and self._share_devices(line, other):
                groups = (task for task in self.queue.groups(other) if self._can_gather(task))
                places += [place_of(group) for group in islice(groups, 1)]
        return min(places, default=None)

    def _can_gather(self, group: TaskRecord) -> bool:
        return self._folder_reason(group) is None and self.most_workers(group) >= group.worker_count

    def _share_devices(self, one: Line, other: Line) -> bool:
        return not set(one.candidates(self.slots)).isdisjoint(other.candidates(self.slots))

    def _is_free(self, line: Line) -> bool:
        return any(self.slots.free(device, line.slot_kind) > 0 for device in line.candidates(self.slots))

    def _choose(self, task: TaskRecord) -> list[str] | None:
        """The device of each worker of a task; None while there are not enough free slots for all of them."""
        line, avoided, workers = line_of(task), self._avoided(task), task.worker_count
        free = {device: self.slots.free(device, line.slot_kind, avoided) for device in line.candidates(self.slots)}
        if workers > 1 and list(free) == [CPU]:
            return [CPU] * workers if free[CPU] >= workers else None
        usable = [device for device, count in free.items() if count > 0]
        best = sorted(usable, key=lambda device: (free[device], self._free_memory_gb(device)), reverse=True)
        if workers > 1:  # GPUs of one node are next to each other
            of_node = Counter(node for device in best for node in self.slots.nodes(device, line.slot_kind))
            best.sort(
                key=lambda device: max(of_node[n] for n in self.slots.nodes(device, line.slot_kind)), reverse=True
            )
        return best[:workers] if len(best) >= workers else None
