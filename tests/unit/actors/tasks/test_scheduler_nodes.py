"""Which nodes the scheduler starts tasks on, when some lack inputs."""

import pytest

from actors.devices.slots import Offer
from actors.tasks.scheduler import NewReason
from tests.support.played_scheduler import CPU, GPU, a_task


@pytest.fixture
def on_nodes(scheduler):
    """A scheduler whose CPU is on the nodes a and b, with one slot for trainings on each, and these tasks."""

    def make(*tasks):
        one = scheduler(gpus=())
        one.update_devices({"cpu": Offer(CPU, nodes={"a": 4.0, "b": 8.0})})
        one.wait_for(*tasks)
        return one

    return make


def places_of(decisions):
    return [(start.task.id, start.node_id) for start in decisions.starts]


def test_scheduler_a_task_stays_away_from_nodes_without_its_inputs_and_holds_nobody_up(on_nodes):
    one = on_nodes(a_task("a", 1), a_task("b", 2), a_task("c", 3))
    for task_id in ("a", "b"):
        one.avoid(task_id, {"b"})
    assert places_of(one.decide()) == [("a", "a"), ("c", "b")]
    waits = "Waiting for a free training slot on cpu, on a node that has the task's inputs."
    assert one.decide(new=["b"]).reasons == [NewReason("b", waits, True)]
    one.end("c")
    assert places_of(one.decide()) == []
    one.end("a")
    assert places_of(one.decide()) == [("b", "a")]


def test_scheduler_a_task_goes_anywhere_when_the_nodes_with_its_inputs_have_left(on_nodes):
    one = on_nodes(a_task("a", 1), a_task("b", 2))
    for task_id in ("a", "b"):
        one.avoid(task_id, {"b"})
    assert places_of(one.decide()) == [("a", "a")]
    assert places_of(one.update_devices({"cpu": Offer(CPU, nodes={"b": 8.0})})) == [("b", "b")]


def test_scheduler_a_task_that_may_go_anywhere_again_is_told_what_it_waits_for(on_nodes):
    one = on_nodes(a_task("a", 1), a_task("b", 2), a_task("c", 3))
    assert places_of(one.decide()) == [("a", "b"), ("b", "a")]
    one.avoid("c", {"b"})
    left = one.update_devices({"cpu": Offer(CPU, nodes={"b": 8.0})})
    assert left.reasons == [NewReason("c", "Waiting for a free training slot on cpu.", False)]


def test_scheduler_cuda_takes_a_gpu_of_a_node_that_has_the_inputs(scheduler):
    one = scheduler(gpus=())
    gpus = {f"cuda:{number}": Offer(GPU, nodes={node_id: 8.0}) for number, node_id in enumerate("aab")}
    one.update_devices(gpus)
    one.wait_for(a_task("one", 1, device="cuda"), a_task("two", 2, device="cuda"))
    for task_id in ("one", "two"):
        one.avoid(task_id, {"a"})
    assert one.places(one.tasks["one"]) == {"a", "b"}
    assert one.started() == [("one", "cuda:2")]
    one.end("one")
    assert one.started() == [("two", "cuda:2")]


def test_scheduler_a_gpu_that_was_asked_for_is_the_one_that_the_task_gets(scheduler):
    one = scheduler(gpus=())
    one.update_devices({"cuda:0": Offer(GPU, nodes={"a": 8.0}), "cuda:1": Offer(GPU, nodes={"b": 8.0})})
    one.wait_for(a_task("one", 1, device="cuda:0"))
    one.avoid("one", {"a"})
    assert one.started() == [("one", "cuda:0")]


def test_scheduler_places_are_nodes_with_slots_of_the_tasks_kind(on_nodes):
    one = on_nodes()
    assert one.places(a_task("a", 1)) == {"a", "b"}
    one.update_devices({"cpu": Offer(CPU | {"training": 0}, nodes={"a": 4.0, "b": 8.0})})
    assert one.places(a_task("a", 1)) == set()
