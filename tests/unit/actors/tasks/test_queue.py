"""The order of the waiting tasks."""

import pytest

from actors.tasks.queue import TaskQueue, line_of
from tests.support import sample_tasks


def a_task(task_id, number, *, device="cpu", **fields):
    return sample_tasks.a_task(number, id=task_id, wanted_device=device, **fields)


@pytest.fixture
def queue_of():
    def make(*tasks):
        queue = TaskQueue()
        for task in tasks:
            queue.put(task)
        return queue

    return make


def test_queue_the_most_urgent_first_then_by_submission(queue_of):
    tasks = [a_task("a", 1), a_task("b", 2, priority=1), a_task("c", 3), a_task("d", 4, priority=1)]
    queue = queue_of(*tasks)
    assert [task.id for task in queue] == ["b", "d", "a", "c"]
    assert [task.id for task in queue.tasks(line_of(tasks[0]))] == ["b", "d", "a", "c"]


def test_queue_a_changed_priority_moves_a_task(queue_of):
    queue = queue_of(a_task("a", 1), a_task("b", 2))
    queue.put(a_task("b", 2, priority=1))
    assert [task.id for task in queue] == ["b", "a"]
    assert len(queue) == 2


def test_queue_a_discarded_task_is_gone_and_discarding_twice_is_harmless(queue_of):
    queue = queue_of(a_task("a", 1, device="cuda"), a_task("b", 2))
    queue.discard("a")
    queue.discard("a")
    assert [task.id for task in queue] == ["b"]
    assert "a" not in queue and queue.get("a") is None
    assert queue.lines == [line_of(a_task("b", 2))]


def test_queue_the_next_for_a_folder_are_the_most_urgent_ones(queue_of):
    folders = {"a": "/out", "b": "/out", "c": "/elsewhere", "d": "/out"}
    tasks = [a_task(name, n, request={"save_path": folder}) for n, (name, folder) in enumerate(folders.items())]
    queue = queue_of(*tasks, a_task("e", 9, request={"save_path": "/out"}, priority=1))
    assert [task.id for task in queue.next_for("/out", 3)] == ["e", "a", "b"]
    assert queue.next_for("/nowhere", 3) == []


def test_queue_the_position_counts_those_that_want_the_same_slots(queue_of):
    tasks = {
        name: a_task(name, number, device=device, kind=kind)
        for number, (name, device, kind) in enumerate(
            [
                ("cpu", "cpu", "training"),
                ("any", "cuda", "training"),
                ("first", "cuda:0", "training"),
                ("other", "cuda:1", "training"),
                ("inference", "cuda:0", "inference"),
                ("last", "cuda", "training"),
            ]
        )
    }
    queue = queue_of(*tasks.values())
    positions = {name: queue.position(task) for name, task in tasks.items()}
    assert positions == {"cpu": 1, "any": 1, "first": 2, "other": 2, "inference": 1, "last": 4}
