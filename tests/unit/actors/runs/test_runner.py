"""The threads of a run, the environment it gets on any cluster, and what becomes of its errors."""

import pytest
import ray
import torch

from actors.runs import runner
from actors.runs.runner import use_threads
from actors.runs.spec import RunSpec
from actors.runs.supervisor import OPENMP_VARIABLES, run_environment
from rfuav_ray.errors import RunCancelled, RunError, RunInterrupted


@pytest.fixture
def threads_of(monkeypatch):
    """What torch is given for a run, on a node with so many CPUs."""
    before = torch.get_num_threads()

    def ask(usable, **fields):
        monkeypatch.setattr(runner, "usable_cpus", lambda: usable)
        use_threads(RunSpec("task", "training", 1, {}, "cpu", **fields))
        return torch.get_num_threads()

    yield ask
    torch.set_num_threads(before)


def test_runs_beside_each_other_never_have_more_threads_than_there_are_cpus(threads_of):
    # Ray was told 8 CPUs, and there are 2.
    assert threads_of(2, threads=4, limit=2) == 1
    assert threads_of(2, threads=8, limit=1) == 2
    assert threads_of(2, threads=1, limit=8) == 1


def test_where_ray_was_told_the_truth_the_share_stays(threads_of):
    assert threads_of(64, threads=16, limit=4) == 16
    assert threads_of(64, threads=4, limit=4) == 4


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True}] * 2)
    for name in OPENMP_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return lambda: run_environment()["env_vars"]


def test_threads_that_wait_do_not_spin_on_any_cluster(environment):
    assert environment().items() >= {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "10000"}.items()


def test_an_operators_word_counts_more(environment, monkeypatch):
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
def test_ending_a_failed_run_has_its_traceback(error, reason):
    try:
        raise error
    except type(error) as caught:
        outcome = runner.ending(caught)
    assert (outcome.status, outcome.error) == ("failed", reason)
    assert "test_runner.py" in outcome.traceback and outcome.traceback.startswith("Traceback")


@pytest.mark.parametrize(("error", "status"), [(RunCancelled(), "cancelled"), (RunInterrupted(), "interrupted")])
def test_ending_a_run_that_was_stopped_has_none(error, status):
    outcome = runner.ending(error)
    assert (outcome.status, outcome.traceback) == (status, None)
