"""What a run starts with, and what its outcome makes of its task: another run, or its end."""

import asyncio
from pathlib import Path

import pytest

from actors.devices.pool import DevicePool
from actors.devices.slots import SlotTable
from actors.runs.plan import ending, plan, plan_more, retry
from actors.runs.spec import Outcome
from rfuav_ray.errors import RunLost
from rfuav_ray.tasks import TaskStatus, WorkerPlace
from tests.support.cluster import played_cluster
from tests.support.sample_results import EPOCH_METRICS, INFERENCE_RESULT, TRAINING_RESULT
from tests.support.sample_tasks import a_task
from tests.support.waiting import until

RUNNING = {"status": TaskStatus.RUNNING, "latest_metrics": {"epoch": 7}, "current_epoch": 7}


def test_plan_a_completed_training_has_the_figures_of_its_last_epoch_though_their_report_was_lost():
    metrics = EPOCH_METRICS | {"epoch": 8}
    outcome = Outcome("completed", result=TRAINING_RESULT | {"metrics": metrics, "epochs": 8})
    status, changes = ending(a_task(**RUNNING), outcome)
    assert status is TaskStatus.COMPLETED and changes["progress"] == 100.0
    assert (changes["latest_metrics"], changes["current_epoch"]) == (metrics, 8)


def test_plan_what_is_no_training_has_no_figures_of_epochs():
    task = a_task(kind="inference", status=TaskStatus.RUNNING, warnings=2)
    _, changes = ending(task, Outcome("completed", result=INFERENCE_RESULT))
    assert "latest_metrics" not in changes and changes["result"] == INFERENCE_RESULT | {"warnings": 2}


@pytest.mark.parametrize(
    ("outcome", "cancel_requested", "status"),
    [
        (Outcome("cancelled"), False, TaskStatus.CANCELLED),
        (Outcome("failed", error="disk full"), False, TaskStatus.FAILED),
        (Outcome("lost", error="the node left"), False, TaskStatus.FAILED),
        (Outcome("lost", error="it was killed"), True, TaskStatus.CANCELLED),
        (Outcome("completed", result=INFERENCE_RESULT), True, TaskStatus.COMPLETED),
    ],
)
def test_plan_how_a_task_ends(outcome, cancel_requested, status):
    ended, changes = ending(a_task(status=TaskStatus.RUNNING, cancel_requested=cancel_requested), outcome)
    assert ended is status
    assert (outcome.error or "") in changes["message"] or status is TaskStatus.CANCELLED


@pytest.mark.parametrize(
    ("outcome", "fields", "message", "losses"),
    [
        (Outcome("lost", error="It died."), {"losses": 1}, "It died. Queued again: retry 2 of 2.", 2),
        (Outcome("interrupted", error="The end."), {"losses": 2}, "The end. Queued again.", 2),
    ],
)
def test_plan_a_run_that_ended_early_is_tried_again(outcome, fields, message, losses):
    again = retry(a_task(status=TaskStatus.RUNNING, **fields), outcome, 2)
    assert again is not None
    assert (again[0], again[1]["losses"]) == (message, losses)


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        ("completed", {}),
        ("failed", {}),
        ("cancelled", {}),
        ("lost", {"losses": 2}),
        ("lost", {"cancel_requested": True}),
        ("interrupted", {"cancel_requested": True}),
    ],
)
def test_plan_what_ends_a_task_is_not_tried_again(status, fields):
    assert retry(a_task(status=TaskStatus.RUNNING, **fields), Outcome(status), 2) is None


@pytest.fixture
def planned(monkeypatch):
    """Plan a run on a head node with 8 CPUs and two GPUs, and another node with 8 CPUs."""
    cluster = played_cluster(monkeypatch)
    cluster.add_node("head", cpus=8, gpus=2, is_head=True)
    cluster.add_node("other", cpus=8)
    gpu = {"training": 1, "inference": 1}
    slots = SlotTable({"cpu": {"training": 2, "inference": 1, "preprocessing": 1}, "cuda:0": gpu, "cuda:1": gpu})

    def make(**fields):
        async def main():
            pool = DevicePool(0.0)
            await pool.look()
            await until(lambda: all(pool.is_ready(device) for device in pool.gpus))
            running = {"status": TaskStatus.RUNNING, "node_id": "head"}
            task = a_task(**running | fields)
            first = plan(task, pool, slots, (Path("/data"),))
            return [first, *plan_more(task, first[0], pool)] if task.workers else first

        return asyncio.run(asyncio.wait_for(main(), 30))

    return make


def test_plan_a_run_on_the_cpu_knows_what_may_run_beside_it(planned):
    spec, options = planned(device="cpu", device_share=0.25)
    assert (spec.limit, options["num_cpus"], options["num_gpus"]) == (2, 2.0, 0)
    assert options["scheduling_strategy"].node_id == "head"


@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_plan_a_run_whose_node_has_just_left_is_lost(planned, device):
    with pytest.raises(RunLost, match="The node b left the cluster"):
        planned(device=device, device_share=0.5, node_id="b")


def test_plan_a_run_on_a_gpu_knows_its_gpu_and_its_part_of_the_node(planned):
    spec, options = planned(device="cuda:1", device_share=0.5)
    assert (spec.gpu_id, spec.has_hardware, spec.node_fraction) == ("1", False, 0.25)
    assert (options["num_cpus"], options["num_gpus"]) == (0, 0.5)


@pytest.mark.parametrize(
    ("paths", "nodes", "count"),
    [
        ({"input_path": "/data", "output_path": "/out"}, (), 16),
        ({"input_path": "s3://lab/data", "output_path": "/out"}, ("head",), 8),
        ({"input_path": "/data", "output_path": "s3://lab/out"}, ("head",), 8),
    ],
)
def test_plan_preprocessing_of_objects_has_the_workers_of_its_own_node(planned, paths, nodes, count):
    spec, _ = planned(kind="split", request=paths, device_share=1.0)
    assert (spec.worker_nodes, spec.worker_count) == (nodes, count)


def on_two_gpus(node):
    """The fields of a task with two workers. The second one is on this node."""
    places = tuple(
        WorkerPlace(device=f"cuda:{number}", node=one, node_id=one, device_share=share)
        for number, one, share in ((0, "head", 0.5), (1, node, 0.25))
    )
    return {"device": "cuda:0", "device_share": 0.5, "request": {"num_workers": 2}, "workers": places}


def test_plan_each_worker_of_a_training_has_the_options_of_its_own_slot(planned):
    (first, _), (second, options) = planned(**on_two_gpus("head"))
    assert [(spec.rank, spec.workers, spec.gpu_id) for spec in (first, second)] == [(0, 2, "0"), (1, 2, "1")]
    assert (options["num_gpus"], second.node_fraction) == (0.25, 0.125)


def test_plan_a_training_whose_second_worker_has_lost_its_node_is_lost(planned):
    with pytest.raises(RunLost, match="The node b left the cluster"):
        planned(**on_two_gpus("b"))


def test_plan_preprocessing_needs_cpus_for_its_workers_alone(planned):
    spec, options = planned(kind="split", device="cpu", device_share=0.25)
    assert (spec.worker_count, spec.worker_cpus, options["num_cpus"]) == (16, 0.25, 0)
    assert options["scheduling_strategy"].node_id == "head"


def test_plan_a_task_that_was_on_the_wrong_node_goes_to_another_one_as_if_it_had_not_run():
    outcome = Outcome("misplaced", error="No data there.")
    running = a_task(status=TaskStatus.RUNNING, attempt=3, losses=1)
    message, changes = retry(running, outcome, 0) or ("", {})
    assert (message, changes) == ("No data there. The task goes to another node.", {"attempt": 2})
    assert retry(running.evolve(cancel_requested=True), outcome, 0) is None


@pytest.mark.parametrize("kind", ["training", "inference", "split"])
def test_plan_every_run_knows_where_links_may_lead(planned, kind):
    spec, _ = planned(kind=kind, device="cpu", device_share=0.25)
    assert spec.data_roots == (Path("/data"),)


@pytest.mark.parametrize(
    ("metrics", "reported", "epoch"),
    [
        (EPOCH_METRICS | {"epoch": 7}, 7, 7),
        (None, 0, 0),
        pytest.param(EPOCH_METRICS | {"epoch": 2}, 7, 7, id="began again"),
        pytest.param(EPOCH_METRICS | {"epoch": 7}, 0, 7, id="stored by an earlier version"),
    ],
)
def test_plan_a_training_that_resumes_knows_its_last_reported_epoch(planned, metrics, reported, epoch):
    spec, _ = planned(device="cpu", device_share=0.25, latest_metrics=metrics, reported_epoch=reported)
    assert spec.reported_epoch == epoch
