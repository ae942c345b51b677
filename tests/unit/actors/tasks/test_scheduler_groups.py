"""Tasks that need several slots together."""

import pytest

from tests.support.played_scheduler import a_task


def of_workers(task_id, number, workers=2, **fields):
    return a_task(task_id, number, request={"num_workers": workers}, **fields)


@pytest.fixture
def two_slots(scheduler):
    one = scheduler()
    one.offer("cpu", training=2)
    return one


def test_scheduler_two_groups_have_all_slots_or_none(two_slots):
    two_slots.wait_for(of_workers("a", 1), of_workers("b", 2))
    (start,) = two_slots.decide().starts
    assert (start.task.id, start.fraction, [held.fraction for held in start.more]) == ("a", 0.2, [0.2])
    assert two_slots.slots.used("cpu", "training") == 2
    assert two_slots.started() == []
    two_slots.end("a")
    assert two_slots.started() == [("b", "cpu")]


def test_scheduler_a_group_is_not_overtaken_by_later_tasks(two_slots):
    two_slots.wait_for(a_task("running", 1), of_workers("group", 2), a_task("later", 3))
    assert two_slots.started() == [("running", "cpu")]
    group, later = two_slots.tasks["group"], two_slots.tasks["later"]
    assert two_slots.reason(group) == "Waiting for 2 free training slots at the same time on cpu."
    assert two_slots.waits_for(later) == two_slots.reason(later) == "Waiting for a free training slot on cpu."
    two_slots.end("running")
    assert two_slots.started() == [("group", "cpu")]
    two_slots.end("group")
    assert two_slots.started() == [("later", "cpu")]


def test_scheduler_a_group_waits_for_more_urgent_tasks(two_slots):
    two_slots.wait_for(of_workers("group", 1), a_task("urgent", 2, priority=1))
    assert two_slots.started() == [("urgent", "cpu")]


def test_scheduler_a_group_that_the_devices_cannot_take_holds_nobody_back(two_slots):
    two_slots.wait_for(of_workers("group", 1, workers=3), a_task("later", 2))
    assert two_slots.started() == [("later", "cpu")]
    assert [start.task.id for start in two_slots.offer("cpu", training=4).starts] == ["group"]


def test_scheduler_a_group_has_each_of_its_workers_on_another_gpu(scheduler):
    one = scheduler()
    one.offer("cuda:1", training=2)
    one.wait_for(of_workers("group", 1, device="cuda"))
    (start,) = one.decide().starts
    assert {start.device, *(held.device for held in start.more)} == {"cuda:0", "cuda:1"}
    assert one.most_workers(one.tasks["group"]) == 2


def test_scheduler_knows_the_most_workers_that_a_run_could_ever_have(two_slots):
    two_slots.offer("cpu", training=4)
    two_slots.offer("cpu", training=1)
    assert two_slots.most_workers(of_workers("a", 1)) == 1
    assert two_slots.most_workers_ever(of_workers("a", 1)) == 4
