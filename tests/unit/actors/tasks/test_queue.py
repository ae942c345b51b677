import pytest

from actors.devices.slots import SlotTable, slot_kind
from actors.tasks.leases import leased_folder
from actors.tasks.queue import TaskQueue, line_of
from tests.support import sample_tasks

NO_MEMORY = {"cuda:0": 0.0, "cuda:1": 0.0, "cpu": 0.0}.get
LIMITS = {
    "cpu": {"training": 1, "inference": 2, "preprocessing": 1},
    "cuda:0": {"training": 1, "inference": 3},
    "cuda:1": {"training": 1, "inference": 3},
}


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


def started(queue, slots, memory=NO_MEMORY):
    return [(task.id, device) for task, device in queue.startable(slots, memory)]


def test_queue_the_most_urgent_first_then_by_submission(queue_of):
    queue = queue_of(a_task("a", 1), a_task("b", 2, priority=1), a_task("c", 3), a_task("d", 4, priority=1))
    assert [task.id for task in queue] == ["b", "d", "a", "c"]


def test_queue_a_changed_priority_moves_a_task(queue_of):
    queue = queue_of(a_task("a", 1), a_task("b", 2))
    queue.put(a_task("b", 2, priority=1))
    assert [task.id for task in queue] == ["b", "a"]
    assert len(queue) == 2


def test_queue_a_discarded_task_never_starts_and_discarding_twice_is_harmless(queue_of):
    queue = queue_of(a_task("a", 1), a_task("b", 2))
    queue.discard("a")
    queue.discard("a")
    assert started(queue, SlotTable(LIMITS)) == [("b", "cpu")]


def test_queue_no_more_start_than_there_are_slots(queue_of):
    queue = queue_of(*(a_task(str(n), n) for n in range(5)))
    slots = SlotTable(LIMITS)
    assert started(queue, slots) == [("0", "cpu")]
    assert started(queue, slots) == []
    slots.release("0")
    assert started(queue, slots) == [("1", "cpu")]


def test_queue_a_task_for_a_busy_device_never_blocks_one_for_a_free_device(queue_of):
    queue = queue_of(a_task("first", 1), a_task("blocked", 2), a_task("other", 3, device="cuda:1"))
    assert started(queue, SlotTable(LIMITS)) == [("first", "cpu"), ("other", "cuda:1")]


def test_queue_kinds_have_their_own_slots(queue_of):
    queue = queue_of(
        a_task("t1", 1),
        a_task("t2", 2),
        a_task("i1", 3, kind="inference"),
        a_task("s1", 4, kind="split"),
        a_task("c1", 5, kind="crop"),
    )
    assert started(queue, SlotTable(LIMITS)) == [("t1", "cpu"), ("i1", "cpu"), ("s1", "cpu")]
    assert slot_kind("augment") == "preprocessing"


def test_queue_cuda_takes_the_gpu_with_most_free_slots_then_most_memory(queue_of):
    memory = {"cuda:0": 10.0, "cuda:1": 20.0}.get
    queue = queue_of(*(a_task(str(n), n, device="cuda", kind="inference") for n in range(3)))
    assert started(queue, SlotTable(LIMITS), memory) == [("0", "cuda:1"), ("1", "cuda:0"), ("2", "cuda:1")]


def test_queue_cuda_means_the_cpu_only_where_there_is_no_gpu(queue_of):
    assert started(queue_of(a_task("a", 1, device="cuda")), SlotTable({"cpu": LIMITS["cpu"]})) == [("a", "cpu")]
    drained = SlotTable(LIMITS | {"cuda:0": {"training": 0}, "cuda:1": {"training": 0}})
    assert started(queue_of(a_task("a", 1, device="cuda")), drained) == []


def test_queue_a_pinned_gpu_that_is_gone_is_waited_for(queue_of):
    assert started(queue_of(a_task("a", 1, device="cuda:7")), SlotTable(LIMITS)) == []


def test_queue_a_lowered_cap_lets_running_work_finish_and_a_raised_one_starts_more(queue_of):
    slots = SlotTable(LIMITS)
    queue = queue_of(*(a_task(str(n), n, kind="inference") for n in range(4)))
    assert len(started(queue, slots)) == 2
    slots.add("cpu", LIMITS["cpu"] | {"inference": 1}, is_open=True)
    assert slots.free("cpu", "inference") == -1
    slots.release("0")
    assert started(queue, slots) == []
    slots.add("cpu", LIMITS["cpu"] | {"inference": 3}, is_open=True)
    assert started(queue, slots) == [("2", "cpu"), ("3", "cpu")]


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


@pytest.mark.parametrize(
    ("device", "change", "reason"),
    [
        ("cuda:7", {}, "Waiting for cuda:7. The cluster does not have this device now."),
        ("cuda:0", {"training": 0}, "Waiting: the limit for training is 0 on cuda:0."),
        ("cuda:0", {}, "Waiting for a free training slot on cuda:0."),
        ("cuda", {}, "Waiting for a free training slot on cuda:0, cuda:1."),
    ],
)
def test_queue_a_waiting_task_knows_what_for(device, change, reason):
    slots = SlotTable(LIMITS)
    slots.add("cuda:0", LIMITS["cuda:0"] | change, is_open=True)
    assert line_of(a_task("a", 1, device=device)).waits_for(slots) == reason


def test_queue_a_gpu_that_others_hold_is_waited_for_and_named(queue_of):
    slots = SlotTable({"cpu": LIMITS["cpu"]})
    slots.add("cuda:0", LIMITS["cuda:0"], is_open=False)
    queue = queue_of(a_task("a", 1, device="cuda:0"), a_task("b", 2, device="cuda"))
    assert started(queue, slots) == []
    assert "another program" in line_of(a_task("a", 1, device="cuda:0")).waits_for(slots)
    slots.add("cuda:0", LIMITS["cuda:0"], is_open=True)
    assert started(queue, slots) == [("a", "cuda:0")]


def in_folder(task_id, number, folder="/out", **fields):
    return a_task(task_id, number, request={"save_path": folder}, **fields)


def test_queue_tasks_with_one_folder_start_one_after_the_other_and_hold_nobody_else_back(queue_of):
    queue = queue_of(
        in_folder("a", 1),
        in_folder("b", 2, kind="inference"),
        in_folder("c", 3, kind="inference"),
        in_folder("d", 4, "/elsewhere", kind="inference"),
    )
    slots = SlotTable(LIMITS)
    assert started(queue, slots) == [("a", "cpu"), ("d", "cpu")]
    (waiting,) = (task for task in queue if task.id == "b")
    assert queue.waits_for(waiting, slots) == "Waiting for task a. It writes into the same folder '/out'."
    slots.release("a")
    assert started(queue, slots) == []
    queue.leases.release("/out", "a")
    assert started(queue, slots) == [("b", "cpu")]
    assert queue.next_for("/out", 9) == ["c"] and queue.next_for("/elsewhere", 9) == []


def test_queue_a_task_keeps_its_folder_until_it_has_ended(queue_of):
    queue = queue_of(in_folder("a", 1), in_folder("b", 2, priority=9))
    slots = SlotTable(LIMITS)
    assert started(queue, slots) == [("a", "cpu")]
    slots.release("a")
    queue.put(in_folder("a", 1, priority=10))  # its run was lost
    assert started(queue, slots) == [("a", "cpu")]


def test_queue_a_cancelled_task_that_never_had_the_folder_leaves_it_to_its_holder(queue_of):
    queue = queue_of(in_folder("a", 1), in_folder("b", 2))
    slots = SlotTable(LIMITS)
    started(queue, slots)
    queue.discard("b")
    queue.leases.release("/out", "b")
    assert queue.leases.other_holder("/out", "c") == "a"


def test_queue_the_name_is_a_part_of_the_folder():
    named = a_task("a", 1, request={"save_path": "/out", "name": "x"})
    assert leased_folder(named) == "/out/x"


def test_queue_preprocessing_waits_for_its_folder(queue_of):
    fields = {"kind": "split", "request": {"output_path": "/out"}}
    queue = queue_of(a_task("a", 1, **fields), a_task("b", 2, **fields), in_folder("c", 3))
    slots = SlotTable(LIMITS)
    assert started(queue, slots) == [("a", "cpu")]
    slots.release("a")
    queue.leases.release("/out", "a")
    assert started(queue, slots) == [("b", "cpu")]
