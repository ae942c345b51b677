"""A scheduler that a test plays step by step, and its tasks."""

from actors.devices.slots import Offer
from actors.tasks.scheduler import Scheduler
from tests.support import sample_tasks

CPU = {"training": 1, "inference": 2, "preprocessing": 1}
GPU = {"training": 1, "inference": 3}


def a_task(task_id, number, *, device="cpu", **fields):
    return sample_tasks.a_task(number, id=task_id, wanted_device=device, **fields)


class Played(Scheduler):
    """A scheduler whose tasks are remembered by id."""

    def __init__(self, free_memory_gb):
        super().__init__(lambda device: free_memory_gb.get(device, 0.0))
        self.tasks = {}

    def wait_for(self, *tasks):
        for task in tasks:
            self.tasks[task.id] = task
            self.put(task)

    def started(self):
        return [(start.task.id, start.device) for start in self.decide().starts]

    def offer(self, device, lost=(), is_open=True, **limits):
        known = self.slots.limits(device) or (CPU if device == "cpu" else GPU)
        return self.update_devices({device: Offer(known | limits, is_open)}, lost)

    def lose_run(self, task_id):
        self.put(self.tasks[task_id])

    def end(self, task_id):
        self.forget(self.tasks[task_id])
