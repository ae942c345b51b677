"""The scheduler (queue, slots, limits of devices that come and go) under random orders of events."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.devices.slots import SlotTable
from actors.tasks.leases import leased_folder
from actors.tasks.queue import TaskQueue, line_of
from tests.support.sample_tasks import a_task

KINDS = st.sampled_from(["training", "inference"])
GPUS = ("cuda:0", "cuda:1")
WISHES = st.sampled_from(["cpu", "cuda", *GPUS])
FOLDERS = st.sampled_from([None, "/a", "/b"])
LIMITS = st.fixed_dictionaries({"training": st.integers(0, 2), "inference": st.integers(0, 2)})


class Scheduler(RuleBasedStateMachine):
    """`running` is what was started and has not ended: the truth that the slot table is held against."""

    def __init__(self):
        super().__init__()
        self.queue = TaskQueue()
        self.slots = SlotTable({"cpu": {"training": 1, "inference": 1}})
        self.tasks = {}
        self.running = {}
        self.ended = set()
        #: who may write which folder
        self.holders = {}

    def start(self):
        """What the dispatcher does after every event, and what must hold of it."""
        waiting = list(self.queue)
        for task, device in self.queue.startable(self.slots, lambda device: 0.0):
            assert task.id not in self.running and task.id not in self.ended, "run twice"
            assert self.slots.is_open(device)
            assert task.wanted_device in {device, "cuda"}
            if device == "cpu" and task.wanted_device == "cuda":
                assert self.slots.devices == ["cpu"]
            self.running[task.id] = device
            kind = task.kind
            in_use = sum(self.tasks[i].kind == kind and d == device for i, d in self.running.items())
            assert in_use <= self.slots.limits(device)[kind], "a limit is exceeded"
            assert self.holders.setdefault(leased_folder(task) or task.id, task.id) == task.id, "a folder has two"
        started = {task.id for task in waiting if task.id in self.running}
        for task in waiting:
            if task.id in started or self.is_held_back(task):
                continue
            later = [other for other in waiting if other.id in started and place(other) > place(task)]
            assert not [o for o in later if line_of(o) == line_of(task)], "a later task of the same line overtook"
            could_have = [o for o in later if o.kind == task.kind and fits(task, self.running[o.id], self.slots)]
            assert not could_have, "a less urgent task got the slot"

    @initialize(limits=LIMITS)
    def begin(self, limits):
        self.slots.add("cpu", limits, is_open=True)
        self.slots.add("cuda:0", {"training": 1, "inference": 1}, is_open=True)

    @rule(kind=KINDS, wish=WISHES, priority=st.integers(1, 3), folder=FOLDERS)
    def submit(self, kind, wish, priority, folder):
        number = len(self.tasks)
        request = {"save_path": folder}
        task = a_task(number, id=str(number), kind=kind, priority=priority, wanted_device=wish, request=request)
        self.tasks[task.id] = task
        self.queue.put(task)
        self.start()

    @rule(data=st.data(), priority=st.integers(1, 3))
    def change_priority(self, data, priority):
        if waiting := list(self.queue):
            task = data.draw(st.sampled_from(waiting)).evolve(priority=priority)
            self.tasks[task.id] = task
            self.queue.put(task)

    @rule(data=st.data())
    def cancel_waiting(self, data):
        if waiting := list(self.queue):
            task = data.draw(st.sampled_from(waiting))
            self.queue.discard(task.id)
            self.over(task.id)
            self.start()

    @rule(data=st.data(), is_lost=st.booleans())
    def end(self, data, is_lost):
        if self.running:
            task_id = data.draw(st.sampled_from(sorted(self.running)))
            self.release(task_id, is_lost)
            self.start()

    @rule(device=st.sampled_from(["cpu", *GPUS]), limits=LIMITS)
    def change_limits(self, device, limits):
        if device in self.slots.devices:
            self.slots.add(device, limits, is_open=self.slots.is_open(device))
            self.start()

    @rule(device=st.sampled_from(GPUS), limits=LIMITS, is_open=st.booleans())
    def join(self, device, limits, is_open):
        if device not in self.slots.devices:
            self.slots.add(device, limits, is_open=is_open)
            self.start()

    @rule(device=st.sampled_from(GPUS))
    def prepared(self, device):
        if device in self.slots.devices:
            self.slots.add(device, self.slots.limits(device), is_open=True)
            self.start()

    @rule(device=st.sampled_from(GPUS), are_noticed=st.booleans())
    def leave(self, device, are_noticed):
        """The runs of a lost node are noticed later than the node, or at once."""
        if device not in self.slots.devices:
            return
        self.slots.remove(device)
        self.start()
        for task_id in [i for i, place in self.running.items() if place == device and are_noticed]:
            self.release(task_id, is_lost=True)
            self.start()

    def release(self, task_id, is_lost):
        self.slots.release(task_id)
        del self.running[task_id]
        if is_lost:
            self.queue.put(self.tasks[task_id])
        else:
            self.over(task_id)

    def over(self, task_id):
        self.ended.add(task_id)
        self.queue.leases.release(leased_folder(self.tasks[task_id]), task_id)
        self.holders = {folder: holder for folder, holder in self.holders.items() if holder != task_id}

    def is_held_back(self, task):
        return self.holders.get(leased_folder(task), task.id) != task.id

    @invariant()
    def nothing_is_lost(self):
        places = [{task.id for task in self.queue}, set(self.running), self.ended]
        assert sum(map(len, places)) == len(self.tasks)
        assert set().union(*places) == set(self.tasks)

    @invariant()
    def the_books_agree(self):
        assert {holding.task_id: holding.device for holding in self.slots.holdings} == self.running
        for device in self.slots.devices:
            held = sum(h.fraction for h in self.slots.holdings if h.device == device)
            assert held <= 1 + 1e-9, "more than the whole device is given away"

    @invariant()
    def no_device_idles_while_a_task_waits_for_it(self):
        for task in self.queue:
            if self.is_held_back(task):
                continue
            free = [d for d in line_of(task).candidates(self.slots) if self.slots.free(d, task.kind) > 0]
            assert not free


def place(task):
    return (task.priority, task.number)


def fits(task, device, slots):
    return device in line_of(task).candidates(slots)


TestScheduler = Scheduler.TestCase
TestScheduler.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
