"""The RunSupervisor: how runs start, end and are killed. The Ray tasks are played."""

import asyncio

import pytest
from ray.exceptions import RayTaskError, TaskCancelledError, WorkerCrashedError

from actors.ray_internals.nodes import fork_server_address
from actors.runs import supervisor as supervision
from actors.runs.spec import Outcome, RunSpec
from actors.runs.supervisor import RunSupervisor
from tests.support.ray_tasks import played_ray_tasks
from tests.support.ray_worker import ray_worker
from tests.support.sample_results import INFERENCE_RESULT
from tests.support.sample_tasks import run_of
from tests.support.waiting import others_had_their_turn, until

__all__ = ["ray_worker"]

SPEC = RunSpec(run_of("task"), "task", "inference", 1, {"source_path": "/a"}, "cpu", 1)
RUN = SPEC.run_id
DONE = Outcome("completed", result=INFERENCE_RESULT)
WITHIN_S = 30
#: longer than a test may take
FOR_EVER_S = 1000.0


@pytest.fixture
def tasks(monkeypatch):
    return played_ray_tasks(monkeypatch)


@pytest.fixture
def play(tasks):
    """Run a coroutine function with a supervisor."""

    def run(scenario):
        async def main():
            return await scenario(RunSupervisor())

        return asyncio.run(asyncio.wait_for(main(), WITHIN_S))

    return run


async def started(supervisor, tasks, spec=SPEC, **ray_options):
    """The call of `run`, when its Ray task has been started."""
    before = len(tasks.refs)
    running = asyncio.create_task(supervisor.run(spec, ray_options, "manager"))
    await until(lambda: len(tasks.refs) > before)
    return running


def test_supervisor_run_starts_a_ray_task_with_its_options(play, tasks):
    async def scenario(supervisor):
        running = await started(supervisor, tasks, num_cpus=0.5, num_gpus=0)
        tasks.refs[0].set_result(DONE)
        assert await running == DONE

    play(scenario)
    assert tasks.arguments == [(SPEC, "manager")]
    (options,) = tasks.options
    assert options.items() >= {"max_retries": 0, "name": "inference", "num_cpus": 0.5, "num_gpus": 0}.items()
    assert "OMP_WAIT_POLICY" in options["runtime_env"]["env_vars"]


def test_supervisor_run_names_of_long_runs_have_the_tasks_id_up_to_a_limit(play, tasks, monkeypatch):
    monkeypatch.setattr(supervision, "MAX_NAMES_WITH_ID", 2)
    runs = [
        ("training", {"model": "resnet18"}),
        ("inference", {}),
        ("split", {}),
        ("training", {"model": "vit_b_16"}),
    ]

    async def scenario(supervisor):
        for number, (kind, request) in enumerate(runs):
            await started(
                supervisor, tasks, RunSpec(run_of(f"task-{number}"), f"task-{number}", kind, 1, request, "cpu")
            )

    play(scenario)
    names = [options["name"] for options in tasks.options]
    assert names == ["training:resnet18:task-0", "inference", "split:task-2", "training:vit_b_16"]


@pytest.mark.parametrize(("has_hardware", "max_calls"), [(True, 1), (False, None)])
def test_supervisor_run_a_process_that_has_used_a_gpu_serves_one_run_only(play, tasks, has_hardware, max_calls):
    spec = RunSpec(run_of("task"), "task", "training", 1, {}, "cuda:0", 1, gpu_id="0", has_hardware=has_hardware)

    async def scenario(supervisor):
        await started(supervisor, tasks, spec)

    play(scenario)
    assert tasks.options[0].get("max_calls") == max_calls


def test_supervisor_run_that_was_started_already_is_not_started_again(play, tasks):
    async def scenario(supervisor):
        first = await started(supervisor, tasks)
        again = asyncio.create_task(supervisor.run(SPEC, {}, "manager"))
        waiting = asyncio.create_task(supervisor.wait(RUN))
        tasks.refs[0].set_result(DONE)
        for answer in (first, again, waiting):
            assert await answer == DONE

    play(scenario)
    assert len(tasks.refs) == 1


def test_supervisor_run_outlives_the_call_that_started_it(play, tasks):
    async def scenario(supervisor):
        calling = await started(supervisor, tasks)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        tasks.refs[0].set_result(DONE)
        assert await supervisor.wait(RUN) == DONE

    play(scenario)
    assert tasks.killed == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (
            RayTaskError("run", "", ImportError("torch")),
            Outcome("failed", error="The runner failed: ImportError('torch')"),
        ),
        (WorkerCrashedError(), Outcome("lost", error=f"The worker process died: {WorkerCrashedError()}")),
    ],
)
def test_supervisor_run_that_ray_ends_has_the_reason(play, tasks, error, outcome):
    async def scenario(supervisor):
        running = await started(supervisor, tasks)
        tasks.refs[0].set_exception(error)
        assert await running == outcome

    play(scenario)


def test_supervisor_wait_a_run_of_an_earlier_supervisor_was_interrupted(play):
    async def scenario(supervisor):
        outcome = await supervisor.wait(RUN)
        assert outcome.status == "interrupted"
        assert "restarted" in outcome.error

    play(scenario)


def test_supervisor_wait_outcomes_are_forgotten_after_a_while(play, tasks, monkeypatch):
    monkeypatch.setattr(supervision, "KEEP_OUTCOME_S", 0)

    async def scenario(supervisor):
        running = await started(supervisor, tasks)
        tasks.refs[0].set_result(DONE)
        assert await running == DONE
        await others_had_their_turn()
        assert (await supervisor.wait(RUN)).status == "interrupted"

    play(scenario)


def test_supervisor_cancel_a_run_that_stops_in_time_is_not_killed(play, tasks):
    async def scenario(supervisor):
        running = await started(supervisor, tasks)
        cancelling = asyncio.create_task(supervisor.cancel(RUN, FOR_EVER_S))
        await others_had_their_turn()
        assert not cancelling.done() and tasks.killed == []
        tasks.refs[0].set_result(Outcome("cancelled"))
        await cancelling
        assert running.done() or await running == Outcome("cancelled")

    play(scenario)
    assert tasks.killed == []


def test_supervisor_cancel_kills_a_run_that_does_not_stop(play, tasks):
    async def scenario(supervisor):
        running = await started(supervisor, tasks)
        await supervisor.cancel(RUN, 0)
        assert await running == Outcome("cancelled")

    play(scenario)
    assert tasks.killed == tasks.refs


def test_supervisor_cancel_returns_when_a_killed_run_has_ended(play, tasks):
    tasks.die_at_once = False

    async def scenario(supervisor):
        await started(supervisor, tasks)
        cancelling = asyncio.create_task(supervisor.cancel(RUN, 0))
        await until(lambda: tasks.killed)
        await others_had_their_turn()
        assert not cancelling.done()
        tasks.refs[0].set_exception(TaskCancelledError())
        await cancelling

    play(scenario)


def test_supervisor_cancel_of_an_unknown_or_ended_run_does_nothing(play, tasks):
    async def scenario(supervisor):
        await supervisor.cancel("another:1", FOR_EVER_S)
        running = await started(supervisor, tasks)
        tasks.refs[0].set_result(DONE)
        await running
        await supervisor.cancel(RUN, 0)
        assert await supervisor.wait(RUN) == DONE

    play(scenario)
    assert tasks.killed == []


def test_supervisor_give_up_a_run_that_ray_does_not_end_is_lost(play, tasks, monkeypatch):
    monkeypatch.setattr(supervision, "GIVE_UP_AFTER_S", 0)

    async def scenario(supervisor):
        running = await started(supervisor, tasks)
        await supervisor.give_up(RUN, "The node left.")
        assert await running == Outcome("lost", error="The node left.")
        await supervisor.give_up("another:1", "The node left.")

    play(scenario)


def test_supervisor_give_up_a_run_that_ray_ends_first_has_rays_reason(play, tasks, monkeypatch):
    monkeypatch.setattr(supervision, "GIVE_UP_AFTER_S", FOR_EVER_S)

    async def scenario(supervisor):
        running = await started(supervisor, tasks)
        giving_up = asyncio.create_task(supervisor.give_up(RUN, "The node left."))
        tasks.refs[0].set_exception(WorkerCrashedError())
        await giving_up
        outcome = await running
        assert outcome.status == "lost" and "The worker process died" in outcome.error

    play(scenario)
    assert tasks.killed == []


def test_supervisor_give_up_a_run_that_nobody_can_kill_is_not_waited_for_if_its_node_is_gone(
    play, tasks, monkeypatch
):
    monkeypatch.setattr(supervision, "GIVE_UP_AFTER_S", 0)
    monkeypatch.setattr(supervision, "KILLED_WITHIN_S", 0)
    tasks.die_at_once = False

    async def scenario(supervisor):
        running = await started(supervisor, tasks)
        await supervisor.give_up(RUN, "The node left.", node_is_gone=True)
        assert await running == Outcome("lost", error="The node left.")

    play(scenario)
    assert tasks.killed == tasks.refs


def test_supervisor_give_up_a_run_that_ended_with_its_node_is_not_killed(play, tasks, monkeypatch):
    monkeypatch.setattr(supervision, "GIVE_UP_AFTER_S", FOR_EVER_S)

    async def scenario(supervisor):
        running = await started(supervisor, tasks)
        giving_up = asyncio.create_task(supervisor.give_up(RUN, "The node left.", node_is_gone=True))
        tasks.refs[0].set_exception(WorkerCrashedError())
        await giving_up
        assert (await running).status == "lost"

    play(scenario)
    assert tasks.killed == []


@pytest.mark.usefixtures("ray_worker")
def test_supervisor_warm_up_starts_a_task_in_the_environment_of_runs(play, tasks):
    async def scenario(supervisor):
        assert await supervisor.notice() is None
        getting_ready = asyncio.create_task(supervisor.warm_up())
        await until(lambda: tasks.refs)
        tasks.refs[0].set_result(None)
        await getting_ready

    play(scenario)
    assert (tasks.options[0]["num_cpus"], tasks.options[0]["enable_task_events"]) == (0, False)
    assert tasks.options[0]["runtime_env"] == supervision.run_environment(fork_server_address())


def test_supervisor_where_ray_starts_workers_in_an_unknown_way_they_are_plain_and_the_operator_is_told(tasks):
    async def scenario():
        supervisor = RunSupervisor()
        await supervisor.warm_up()
        return await supervisor.notice()

    assert "without the fork server" in asyncio.run(scenario()) and tasks.refs == []
