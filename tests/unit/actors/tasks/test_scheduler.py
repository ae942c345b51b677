"""What the scheduler decides, step by step."""

import pytest

from actors.devices.slots import slot_kind
from actors.tasks.leases import leased_folder
from actors.tasks.scheduler import NewReason
from rfuav_ray.tasks import TaskStatus
from tests.support.played_scheduler import a_task


def in_folder(task_id, number, folder="/out", **fields):
    return a_task(task_id, number, request={"save_path": folder}, **fields)


def test_scheduler_a_cancelled_task_never_starts(scheduler):
    one = scheduler(a_task("a", 1), a_task("b", 2))
    one.end("a")
    assert one.started() == [("b", "cpu")]


def test_scheduler_no_more_start_than_there_are_slots(scheduler):
    one = scheduler(*(a_task(str(n), n) for n in range(5)))
    assert one.started() == [("0", "cpu")]
    assert one.started() == []
    one.end("0")
    assert one.started() == [("1", "cpu")]


def test_scheduler_starts_nothing_while_the_service_stops(scheduler):
    one = scheduler(a_task("a", 1))
    one.is_stopping = True
    assert one.decide(new=["a"]).starts == []
    assert "a" in one.queue


def test_scheduler_a_start_says_which_fraction_of_the_device_it_takes(scheduler):
    (start,) = scheduler(a_task("a", 1, device="cuda:1")).decide().starts
    assert (start.device, start.fraction) == ("cuda:1", 0.25)


def test_scheduler_a_task_for_a_busy_device_never_blocks_one_for_a_free_device(scheduler):
    one = scheduler(a_task("first", 1), a_task("blocked", 2), a_task("other", 3, device="cuda:1"))
    assert one.started() == [("first", "cpu"), ("other", "cuda:1")]


def test_scheduler_kinds_have_their_own_slots(scheduler):
    one = scheduler(
        a_task("t1", 1),
        a_task("t2", 2),
        a_task("i1", 3, kind="inference"),
        a_task("s1", 4, kind="split"),
        a_task("c1", 5, kind="crop"),
    )
    assert one.started() == [("t1", "cpu"), ("i1", "cpu"), ("s1", "cpu")]
    assert slot_kind("augment") == "preprocessing"


def test_scheduler_cuda_takes_the_gpu_with_most_free_slots_then_most_memory(scheduler):
    tasks = (a_task(str(n), n, device="cuda", kind="inference") for n in range(3))
    one = scheduler(*tasks, memory={"cuda:0": 10.0, "cuda:1": 20.0})
    assert one.started() == [("0", "cuda:1"), ("1", "cuda:0"), ("2", "cuda:1")]


def test_scheduler_cuda_means_the_cpu_only_where_there_is_no_gpu(scheduler):
    assert scheduler(a_task("a", 1, device="cuda"), gpus=()).started() == [("a", "cpu")]
    drained = scheduler()
    drained.offer("cuda:0", training=0)
    drained.offer("cuda:1", training=0)
    drained.wait_for(a_task("a", 1, device="cuda"))
    assert drained.started() == []


def test_scheduler_a_pinned_gpu_that_is_gone_is_waited_for(scheduler):
    assert scheduler(a_task("a", 1, device="cuda:7")).started() == []


def test_scheduler_a_lowered_cap_lets_running_work_finish_and_a_raised_one_starts_more(scheduler):
    one = scheduler(*(a_task(str(n), n, kind="inference") for n in range(4)))
    assert len(one.started()) == 2
    assert one.offer("cpu", inference=1).starts == []
    assert one.slots.free("cpu", "inference") == -1
    one.end("0")
    assert one.started() == []
    assert [start.task.id for start in one.offer("cpu", inference=3).starts] == ["2", "3"]


@pytest.mark.parametrize(
    ("device", "change", "reason"),
    [
        ("cuda:7", {}, "Waiting for cuda:7. The cluster does not have this device now."),
        ("cuda:0", {"training": 0}, "Waiting: the limit for training is 0 on cuda:0."),
        ("cuda:0", {}, "Waiting for a free training slot on cuda:0."),
        ("cuda", {}, "Waiting for a free training slot on cuda:0, cuda:1."),
    ],
)
def test_scheduler_a_waiting_task_knows_what_for(scheduler, device, change, reason):
    one = scheduler()
    one.offer("cuda:0", **change)
    assert one.reason(a_task("a", 1, device=device)) == reason


def test_scheduler_a_task_that_could_start_at_once_would_wait_for_nothing(scheduler):
    one = scheduler(a_task("a", 1))
    assert one.waits_for(a_task("b", 2)) is None
    one.decide()
    assert one.waits_for(a_task("b", 2)) == "Waiting for a free training slot on cpu."


def test_scheduler_a_gpu_that_others_hold_is_waited_for_and_named(scheduler):
    one = scheduler(gpus=())
    one.offer("cuda:0", is_open=False)
    one.wait_for(a_task("a", 1, device="cuda:0"), a_task("b", 2, device="cuda"))
    assert one.started() == []
    assert "another program" in one.reason(one.tasks["a"])
    opened = one.offer("cuda:0")
    assert [start.task.id for start in opened.starts] == ["a"]
    assert opened.reasons == [NewReason("b", "Waiting for a free training slot on cuda:0.", True)]


def test_scheduler_a_new_task_is_told_only_what_it_does_not_know(scheduler):
    reason = "Waiting for a free training slot on cpu."
    one = scheduler(a_task("a", 1), a_task("b", 2), a_task("c", 3, message=reason))
    decisions = one.decide(new=["a", "b", "c"])
    assert [start.task.id for start in decisions.starts] == ["a"]
    assert decisions.reasons == [NewReason("b", reason, True)]


def test_scheduler_tasks_whose_devices_change_are_told_and_no_others(scheduler):
    tasks = [
        in_folder(name, number, device=device)
        for number, (name, device) in enumerate(
            [("running", "cuda:0"), ("held back", "cuda:0"), ("other device", "cpu")]
        )
    ]
    one = scheduler(*tasks, a_task("next", 9, device="cuda:0"))
    one.decide()
    changed = one.offer("cuda:0", training=0)
    assert sorted(changed.reasons) == [
        NewReason("held back", "Waiting for task running. It writes into the same folder '/out'.", False),
        NewReason("next", "Waiting: the limit for training is 0 on cuda:0.", True),
    ]
    assert one.offer("cuda:0").reasons == []


def test_scheduler_tasks_with_one_folder_start_one_after_the_other_and_hold_nobody_else_back(scheduler):
    one = scheduler(
        in_folder("a", 1),
        in_folder("b", 2, kind="inference"),
        in_folder("c", 3, kind="inference"),
        in_folder("d", 4, "/elsewhere", kind="inference"),
    )
    decisions = one.decide()
    assert [start.task.id for start in decisions.starts] == ["a", "d"]
    waiting_for_a = "Waiting for task a. It writes into the same folder '/out'."
    assert decisions.reasons == [NewReason("b", waiting_for_a, False), NewReason("c", waiting_for_a, False)]
    assert one.decide().reasons == []
    one.end("a")
    decisions = one.decide()
    assert [start.task.id for start in decisions.starts] == ["b"]
    waiting_for_b = waiting_for_a.replace("task a", "task b")
    assert decisions.reasons == [NewReason("c", waiting_for_b, False)]


def test_scheduler_a_task_keeps_its_folder_until_it_has_ended(scheduler):
    one = scheduler(in_folder("a", 1, priority=10), in_folder("b", 2, priority=11))
    assert one.started() == [("a", "cpu")]
    one.lose_run("a")
    one.wait_for(in_folder("b", 2, priority=9))
    assert one.started() == [("a", "cpu")]


def test_scheduler_a_cancelled_task_that_never_had_the_folder_leaves_it_to_its_holder(scheduler):
    one = scheduler(in_folder("a", 1), in_folder("b", 2))
    one.decide()
    one.end("b")
    assert "task a" in one.reason(in_folder("c", 3))


def test_scheduler_the_name_is_a_part_of_the_folder():
    named = a_task("a", 1, request={"save_path": "/out", "name": "x"})
    assert leased_folder(named) == "/out/x"


def test_scheduler_preprocessing_waits_for_its_folder(scheduler):
    fields = {"kind": "split", "request": {"output_path": "/out"}}
    one = scheduler(a_task("a", 1, **fields), a_task("b", 2, **fields), in_folder("c", 3))
    assert one.started() == [("a", "cpu")]
    one.end("a")
    assert one.started() == [("b", "cpu")]


def test_scheduler_recover_gives_runs_their_slots_and_started_tasks_their_folders(scheduler):
    running = in_folder("runs", 1, status=TaskStatus.RUNNING, attempt=1, device_share=0.25).evolve(device="cpu")
    one = scheduler()
    decisions = one.recover(
        [
            running,
            in_folder("ran", 2, "/other", attempt=1),
            in_folder("a", 3, "/other", device="cuda:0"),
            in_folder("b", 4, device="cuda:1"),
        ]
    )
    assert decisions.starts == []
    assert one.slots.fraction("runs") == 0.25
    assert {new.task_id: new.reason for new in decisions.reasons} == {
        "ran": "Waiting for a free training slot on cpu.",
        "a": "Waiting for task ran. It writes into the same folder '/other'.",
        "b": "Waiting for task runs. It writes into the same folder '/out'.",
    }
    assert not any(new.is_logged for new in decisions.reasons)
