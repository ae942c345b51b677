"""The scheduler (queue, slots, leases, devices that come and go) under random orders of events."""

from collections import Counter

from hypothesis import settings
from hypothesis.stateful import invariant

from actors.tasks.leases import leased_folder
from actors.tasks.queue import line_of
from tests.support.random_scheduler import RandomScheduler, place


class Cluster(RandomScheduler):
    """What holds after every event."""

    @invariant()
    def nothing_is_lost(self):
        places = [{task.id for task in self.scheduler.queue}, set(self.running), self.ended]
        assert sum(map(len, places)) == len(self.tasks)
        assert set().union(*places) == set(self.tasks)

    @invariant()
    def the_books_agree(self):
        held_by = {(held.task_id, held.rank): (held.device, held.node_id) for held in self.slots.holdings}
        assert held_by == {
            (i, rank): worker for i, workers in self.running.items() for rank, worker in enumerate(workers)
        }
        for device in self.slots.devices:
            held = Counter()
            for holding in self.slots.holdings:
                if holding.device == device:
                    held[holding.node_id] += holding.fraction
            assert all(part <= 1 + 1e-9 for part in held.values()), "more than a whole device is given away"
            for kind in ("training", "inference"):
                in_use = sum(
                    self.tasks[i].kind == kind and d == device
                    for i, workers in self.running.items()
                    for d, _ in workers
                )
                assert self.slots.used(device, kind) == in_use

    @invariant()
    def no_device_idles_while_a_task_waits_for_it(self):
        for task in self.scheduler.queue:
            if self.is_held_back(task) or self.is_behind_a_group(task):
                continue
            devices, avoided = line_of(task).candidates(self.slots), self.avoided(task)
            free = {device: self.slots.free(device, task.kind, avoided) for device in devices}
            if devices == ["cpu"]:
                assert free["cpu"] < task.worker_count
            else:
                assert sum(slots > 0 for slots in free.values()) < task.worker_count

    def is_behind_a_group(self, task):
        """A more urgent task waits for several slots of those that this one wants, and will have them."""
        wanted = set(line_of(task).candidates(self.slots))
        return any(
            place(group) < place(task)
            and group.kind == task.kind
            and wanted & set(line_of(group).candidates(self.slots))
            and self.scheduler.most_workers(group) >= group.worker_count > 1
            and not self.is_held_back(group)
            for group in self.scheduler.queue
        )

    @invariant()
    def every_waiting_task_was_told_what_it_waits_for(self):
        for task in self.scheduler.queue:
            holder = self.holders.get(leased_folder(task), task.id)
            of_folder = f"Waiting for task {holder}. It writes into the same folder '{leased_folder(task)}'."
            reason = line_of(task).waits_for(self.slots, task.worker_count) if holder == task.id else of_folder
            if holder == task.id and self.avoided(task):
                reason = self.scheduler.reason(task)
                assert "on a node that has the task's inputs" in reason
            assert self.told[task.id] == self.scheduler.reason(task) == reason


TestScheduler = Cluster.TestCase
TestScheduler.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
