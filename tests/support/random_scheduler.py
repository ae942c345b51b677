"""A scheduler to which random things happen: tasks come and end, devices and nodes join and leave."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from actors.devices.slots import SOME_NODE, Offer
from actors.tasks.leases import leased_folder
from actors.tasks.queue import line_of
from actors.tasks.scheduler import Scheduler
from rfuav_ray.tasks import TaskStatus, WorkerPlace
from tests.support.sample_tasks import a_task

KINDS = st.sampled_from(["training", "inference"])
GPUS = ("cuda:0", "cuda:1")
WISHES = st.sampled_from(["cpu", "cuda", *GPUS])
#: of a training
WORKERS = st.sampled_from([1, 1, 1, 2, 3])
FOLDERS = st.sampled_from([None, "/a", "/b"])
LIMITS = st.fixed_dictionaries({"training": st.integers(0, 2), "inference": st.integers(0, 2)})


class RandomScheduler(RuleBasedStateMachine):
    """Calls the scheduler as the TaskManager does, and checks each decision.

    It knows what the TaskManager knows from the decisions alone: the truth that the scheduler is held against.
    """

    def __init__(self):
        super().__init__()
        self.scheduler = Scheduler(lambda device: 0.0)
        self.tasks = {}
        #: the device and the node of each worker of each task that was started and has not ended
        self.running = {}
        #: the nodes of the CPU device
        self.nodes = {"a": 4.0, "b": 2.0}
        self.ended = set()
        #: who may write which folder
        self.holders = {}
        #: the nodes without the inputs of a task
        self.without_inputs = {}
        #: the last reason to wait that a task was told
        self.told = {}

    @property
    def slots(self):
        return self.scheduler.slots

    def waiting(self):
        return list(self.scheduler.queue)

    def decide(self, *new):
        waiting = self.waiting()
        self.carry_out(waiting, self.scheduler.decide(new))

    def update(self, offers, lost=()):
        waiting = self.waiting()
        self.carry_out(waiting, self.scheduler.update_devices(offers, lost))

    def carry_out(self, waiting, decisions):
        """What the TaskManager does after every event, and what must hold of it."""
        for task, device, fraction, node_id, more in decisions.starts:
            assert task.id not in self.running and task.id not in self.ended, "run twice"
            assert self.slots.fraction(task.id) == fraction
            workers = [(device, node_id), *((held.device, held.node_id) for held in more)]
            assert len(workers) == task.worker_count, "some of its slots, not all"
            self.running[task.id] = workers
            for place_ in workers:
                self.may_be_there(task, *place_)
            if device != "cpu":
                assert len({one for one, _ in workers}) == len(workers), "two workers on one GPU"
            assert self.holders.setdefault(leased_folder(task) or task.id, task.id) == task.id, "a folder has two"
        self.nobody_was_overtaken(waiting)
        for task_id, reason, _ in decisions.reasons:
            assert task_id in self.scheduler.queue, "a task that does not wait is told what for"
            self.told[task_id] = reason

    def may_be_there(self, task, device, node_id):
        assert self.slots.is_open(device)
        assert task.wanted_device in {device, "cuda"}
        if device == "cpu" and task.wanted_device == "cuda":
            assert self.slots.devices == ["cpu"]
        assert node_id in self.nodes or device != "cpu"
        assert node_id not in self.avoided(task)
        in_use = sum(
            self.tasks[i].kind == task.kind and worker == (device, node_id)
            for i, workers in self.running.items()
            for worker in workers
        )
        assert in_use <= self.slots.limits(device)[task.kind], "a limit is exceeded"

    def nobody_was_overtaken(self, waiting):
        started = {task.id for task in waiting if task.id in self.running}
        for task in waiting:
            if task.id in started or self.is_held_back(task) or self.avoided(task):
                continue
            if self.scheduler.most_workers(task) < task.worker_count > 1:
                continue
            later = [other for other in waiting if other.id in started and place(other) > place(task)]
            assert not [o for o in later if line_of(o) == line_of(task)], "a later task of the same line overtook"
            could_have = [
                o for o in later if o.kind == task.kind and fits(task, self.running[o.id][0][0], self.slots)
            ]
            assert not could_have, "a less urgent task got the slot"

    @initialize(limits=LIMITS)
    def begin(self, limits):
        self.update({"cpu": self.cpus(limits), "cuda:0": Offer({"training": 1, "inference": 1})})

    def cpus(self, limits):
        return Offer(limits, nodes=dict(self.nodes))

    @rule(kind=KINDS, wish=WISHES, priority=st.integers(1, 3), folder=FOLDERS, workers=WORKERS)
    def submit(self, kind, wish, priority, folder, workers):
        number = len(self.tasks)
        request = {"save_path": folder, "num_workers": 1 if ":" in wish else workers}
        task = a_task(number, id=str(number), kind=kind, priority=priority, wanted_device=wish, request=request)
        could_start = self.scheduler.waits_for(task) is None
        self.tasks[task.id] = task
        self.scheduler.put(task)
        self.decide(task.id)
        assert could_start == (task.id in self.running)

    @rule(data=st.data(), priority=st.integers(1, 3))
    def change_priority(self, data, priority):
        if waiting := self.waiting():
            task = data.draw(st.sampled_from(waiting)).evolve(priority=priority)
            self.tasks[task.id] = task
            self.scheduler.put(task)
            self.decide()

    @rule(data=st.data())
    def cancel_waiting(self, data):
        if waiting := self.waiting():
            self.end(data.draw(st.sampled_from(waiting)).id)

    @rule(data=st.data(), is_lost=st.booleans())
    def end_run(self, data, is_lost):
        if self.running:
            self.over(data.draw(st.sampled_from(sorted(self.running))), is_lost=is_lost)

    @rule(data=st.data(), others=st.sets(st.sampled_from(["a", "b", "c", SOME_NODE])))
    def find_inputs_missing(self, data, others):
        """A run that starts finds that its node and other ones do not have its inputs."""
        if self.running:
            task_id = data.draw(st.sampled_from(sorted(self.running)))
            self.without_inputs[task_id] = others | {node for _, node in self.running[task_id]}
            self.scheduler.avoid(task_id, self.without_inputs[task_id])
            self.over(task_id, is_lost=True)

    @rule(device=st.sampled_from(["cpu", *GPUS]), limits=LIMITS)
    def change_limits(self, device, limits):
        if device in self.slots.devices:
            is_open = self.slots.is_open(device)
            self.update({device: self.cpus(limits) if device == "cpu" else Offer(limits, is_open)})

    @rule(node=st.sampled_from("abc"), cpus=st.sampled_from([0.0, 2.0, 8.0]))
    def node_joins(self, node, cpus):
        if node not in self.nodes:
            self.nodes[node] = cpus
            self.update({"cpu": self.cpus(self.slots.limits("cpu"))})

    @rule(node=st.sampled_from("abc"), are_noticed=st.booleans())
    def node_leaves(self, node, are_noticed):
        """Or it does not answer. It may come back while runs of before are not noticed."""
        if self.nodes.pop(node, None) is None:
            return
        self.update({"cpu": self.cpus(self.slots.limits("cpu"))})
        for task_id in [i for i in self.on(node=node) if are_noticed]:
            self.over(task_id, is_lost=True)

    @rule(device=st.sampled_from(GPUS), limits=LIMITS, is_open=st.booleans())
    def join(self, device, limits, is_open):
        if device not in self.slots.devices:
            self.update({device: Offer(limits, is_open)})

    @rule(device=st.sampled_from(GPUS))
    def prepared(self, device):
        if device in self.slots.devices:
            self.update({device: Offer(self.slots.limits(device))})

    @rule(device=st.sampled_from(GPUS), are_noticed=st.booleans(), is_replaced=st.booleans())
    def leave(self, device, are_noticed, is_replaced):
        """The runs of a lost node are noticed later than the node, or at once. Another GPU may get its number."""
        if device not in self.slots.devices:
            return
        there = {device: Offer(self.slots.limits(device), is_open=False)} if is_replaced else {}
        self.update(there, lost={device})
        for task_id in [i for i in self.on(device=device) if are_noticed]:
            self.over(task_id, is_lost=True)

    def on(self, device=None, node=None):
        """The tasks with a worker there."""
        return [i for i, workers in self.running.items() if any(d == device or n == node for d, n in workers)]

    @rule()
    def restart(self):
        """The TaskManager dies. The next one has the stored tasks, and then finds the same devices."""
        before = {
            device: Offer(self.slots.limits(device), self.slots.is_open(device)) for device in self.slots.devices
        } | {"cpu": self.cpus(self.slots.limits("cpu"))}
        waiting = self.waiting()
        fractions = {(held.task_id, held.rank): held.fraction for held in self.slots.holdings}
        live = [task.evolve(attempt=int(task.id in self.holders.values())) for task in waiting]
        live += [
            self.tasks[i].evolve(
                status=TaskStatus.RUNNING,
                **{"attempt": 1, "device": workers[0][0], "node_id": workers[0][1]},
                device_share=fractions[i, 0],
                workers=tuple(
                    WorkerPlace(device=device, node=node, node_id=node, device_share=fractions[i, rank])
                    for rank, (device, node) in enumerate(workers)
                ),
            )
            for i, workers in self.running.items()
        ]
        self.scheduler = Scheduler(lambda device: 0.0)
        self.scheduler.update_devices(before)
        self.told.clear()
        self.without_inputs.clear()
        self.carry_out(waiting, self.scheduler.recover(live))

    def over(self, task_id, *, is_lost):
        del self.running[task_id]
        if is_lost:
            self.scheduler.put(self.tasks[task_id])
            self.decide(task_id)
        else:
            self.end(task_id)

    def end(self, task_id):
        self.ended.add(task_id)
        self.holders = {folder: holder for folder, holder in self.holders.items() if holder != task_id}
        self.scheduler.forget(self.tasks[task_id])
        self.decide()

    def is_held_back(self, task):
        return self.holders.get(leased_folder(task), task.id) != task.id

    def avoided(self, task):
        """The nodes without the task's inputs, if it has another place."""
        nodes = self.without_inputs.get(task.id, set())
        return nodes if self.scheduler.places(task) - nodes else set()


def place(task):
    return (task.priority, task.number)


def fits(task, device, slots):
    return device in line_of(task).candidates(slots)
