"""A run from its specification to its outcome, its threads and its environment."""

import logging
import os
from types import SimpleNamespace

import pytest
import ray

from actors.runs import runner
from actors.runs.runner import threads_of
from actors.runs.spec import RunSpec
from actors.runs.supervisor import OPENMP_VARIABLES, run_environment
from rfuav_ray.api.results import InferenceResult
from rfuav_ray.errors import RunCancelled, RunError, RunInterrupted
from rfuav_ray.events import RunEvent
from tests.support.inference_runs import Run
from tests.support.sample_tasks import run_of
from tests.support.typed_dicts import assert_is


@pytest.fixture
def threads_on(monkeypatch):
    """The threads of a run on a node where this process may use so many cores."""

    def ask(usable, node_cpus, device="cpu", **fields):
        monkeypatch.setattr(runner, "usable_cpus", lambda: usable)
        return threads_of(RunSpec(run_of("task"), "task", "training", 1, {}, device, **fields), node_cpus)

    return ask


def test_runner_runs_on_the_cpu_share_the_cores_of_their_node(threads_on):
    assert threads_on(64, 64, limit=4) == 16
    assert threads_on(64, 64, limit=1) == 64
    assert threads_on(4, 4, limit=8) == 1


def test_runner_runs_beside_each_other_never_have_more_threads_than_there_are_cores(threads_on):
    # Ray was told 8 CPUs, and there are 2.
    assert threads_on(2, 8, limit=2) == 1
    assert threads_on(2, 8, limit=1) == 2
    # Ray was told fewer CPUs than there are: the others are not for runs.
    assert threads_on(64, 16, limit=2) == 8


@pytest.mark.parametrize(
    ("cores", "fraction_of_gpu", "gpus", "threads"),
    [(64, 0.25, 8, 2), (64, 1.0, 1, 64), (16, 1 / 3, 1, 5), (6, 1 / 3, 1, 2), (2, 0.25, 4, 1), (64, 0.0, 1, 1)],
)
def test_runner_a_run_on_a_gpu_has_its_part_of_the_gpus_part_of_the_node(
    threads_on, cores, fraction_of_gpu, gpus, threads
):
    assert threads_on(cores, cores, "cuda:0", node_fraction=fraction_of_gpu / gpus, limit=9) == threads
    # A node whose CPUs are not for runs still has the cores that its GPUs need.
    assert threads_on(cores, 0.0, "cuda:0", node_fraction=fraction_of_gpu / gpus) == threads


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True}] * 2)
    for name in OPENMP_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return lambda: run_environment()["env_vars"]


def test_runner_threads_that_wait_do_not_spin_on_any_cluster(environment):
    assert environment().items() >= {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "10000"}.items()


def test_runner_an_operators_word_counts_more(environment, monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert environment()["OMP_WAIT_POLICY"] == "ACTIVE"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RunError("the file is damaged."), "the file is damaged."),
        (OSError(28, "No space left on device", "/x"), "/x: No space left on device"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_runner_ending_a_failed_run_has_its_traceback(error, reason):
    try:
        raise error
    except type(error) as caught:
        outcome = runner.ending(caught)
    assert (outcome.status, outcome.error) == ("failed", reason)
    assert outcome.traceback is not None
    assert "test_runner.py" in outcome.traceback and outcome.traceback.startswith("Traceback")


@pytest.mark.parametrize(("error", "status"), [(RunCancelled(), "cancelled"), (RunInterrupted(), "interrupted")])
def test_runner_ending_a_run_that_was_stopped_has_none(error, status):
    outcome = runner.ending(error)
    assert (outcome.status, outcome.traceback) == (status, None)


@pytest.fixture
def worker(monkeypatch):
    """This process is a worker of Ray on the node `abc` without a GPU."""
    monkeypatch.setattr(ray, "get_gpu_ids", list)
    monkeypatch.setattr(ray, "nodes", lambda: [{"NodeID": "abc", "Resources": {"CPU": 2.0}}])
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(get_node_id=lambda: "abc"))
    for name in ("CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "")  # else what a run sets would stay


REQUEST = {"source_path": "/a", "cfg_path": "/c", "weight_path": "/w"}


@pytest.fixture
def run(worker, actors, monkeypatch):
    """`run(work)`: execute a run whose domain function is `work(report)`."""

    def execute(work, **fields):
        def function(spec, request, reporter, place):
            return work(reporter.report)

        monkeypatch.setitem(runner.RUN_FUNCTIONS, "inference", function)
        spec = RunSpec(run_of("task"), "task", "inference", 1, REQUEST, "cpu", 1, **fields)
        return runner.run(spec, actors.handle)

    return execute


def test_runner_run_an_inference_from_its_request_to_its_files(worker, actors, tmp_path):
    files = Run(tmp_path)
    files.add_images("a.png", "b.png")
    request = {
        "cfg_path": str(tmp_path / "model.yaml"),
        "weight_path": str(tmp_path / "weights.pth"),
        "source_path": str(files.source),
        "save_path": str(files.out),
    }
    (files.source / "outside").symlink_to("/etc")
    spec = RunSpec(run_of("task", 2), "task", "inference", 2, request, "cpu", 1, data_roots=(tmp_path,))
    outcome = runner.run(spec, actors.handle)
    assert (outcome.status, outcome.error) == ("completed", None)
    assert_is(InferenceResult, outcome.result)
    assert outcome.result is not None and "images" in outcome.result and outcome.result["images"] == 2
    assert outcome.result["left_out"] == {"outside_roots": 1}
    assert len(files.csv()) == 2
    place = outcome.result["run"]
    assert (place["attempt"], place["device"], place["node_id"], place["gpu_ids"]) == (2, "cpu", "abc", [])
    assert place["started_at"] <= place["ended_at"]
    assert actors.messages()[0].startswith(f"Run 2 started in process {os.getpid()} on ")
    assert actors.task().progress == 100


def test_runner_run_delivers_everything_before_it_ends(run, actors):
    def work(report):
        for number in range(100):
            report(RunEvent(message=str(number)))
        return {"images": 100}

    outcome = run(work)
    assert (outcome.status, outcome.result["images"]) == ("completed", 100)
    assert actors.messages()[1:] == [str(number) for number in range(100)]


@pytest.mark.parametrize(("order", "status"), [("cancel", "cancelled"), ("interrupt", "interrupted")])
def test_runner_run_ends_as_it_is_ordered(run, actors, order, status):
    def work(report):
        actors.instruct(order)
        while True:
            report(RunEvent(progress=50))

    assert run(work).status == status


def test_runner_run_never_raises_the_errors_of_its_work(run, actors):
    def work(report):
        report(RunEvent(message="last words"))
        raise RunError("the file is damaged.")

    outcome = run(work)
    assert (outcome.status, outcome.error) == ("failed", "the file is damaged.")
    assert "in work" in outcome.traceback
    assert actors.messages()[1:] == ["last words"]


def test_runner_run_a_request_that_is_not_valid_any_more_is_a_failure(worker, actors):
    spec = RunSpec(run_of("task"), "task", "inference", 1, {}, "cpu", 1)
    outcome = runner.run(spec, actors.handle)
    assert outcome.status == "failed" and "cfg_path" in (outcome.error or "")


def test_runner_run_warnings_of_the_domain_are_events_of_the_task(run, actors):
    def work(report):
        logging.getLogger("rfuav_ray.signals.recordings").warning("the captures have different frequencies")
        return {}

    run(work)
    warning = actors.log()[1]
    assert (warning["level"], warning["message"]) == ("WARNING", "the captures have different frequencies")


@pytest.mark.parametrize(("of_ray", "planned", "used"), [(["1"], "1", ["1"]), ([], "1", ["1"]), ([], None, [])])
def test_runner_run_names_its_gpu_and_selects_it_where_ray_did_not(
    run, actors, monkeypatch, of_ray, planned, used
):
    monkeypatch.setattr(ray, "get_gpu_ids", lambda: of_ray)
    outcome = run(lambda report: {}, gpu_id=planned)
    assert outcome.result["run"]["gpu_ids"] == used
    assert ("GPU 1" in actors.messages()[0]) is bool(used)
    assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ("" if of_ray or not used else "1")
