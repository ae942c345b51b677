"""What becomes of runs that are silent, lost or interrupted, over a real store; the supervisor is played."""

from typing import Any

import pytest

from actors.devices import device_watch
from actors.devices import pool as device_pool
from actors.runs.spec import Outcome, Progress, RunReport
from actors.runs.tracker import RunTracker
from actors.store.row import record_of
from rfuav_ray.tasks import TaskStatus
from tests.support.played_runs import Supervisor, task
from tests.support.sample_results import INFERENCE_RESULT
from tests.support.sample_tasks import a_task, run_of
from tests.support.waiting import until


@pytest.fixture(autouse=True)
def _nodes_answer_at_once(monkeypatch):
    monkeypatch.setattr(device_watch, "ASK_AGAIN_AFTER_S", 0)
    monkeypatch.setattr(device_pool, "LOOK_EVERY_S", 0)


@pytest.fixture
def submitted(play, tmp_path):
    """Run a scenario with a manager that has a training."""

    def run(scenario, supervisor, **settings):
        async def main(manager, logs):
            task = a_task(request={"save_path": str(tmp_path / "out")})
            await manager.submit_batch([[task.model_dump_json()]])
            return await scenario(manager, logs)

        return play(main, supervisor, **settings)

    return run


def test_active_runs_a_run_that_ended_early_is_started_again_and_says_so(submitted):
    async def scenario(manager, logs):
        messages = await logs.when_ended()
        ended = await task(manager)
        assert (ended.status, ended.attempt, ended.losses) == (TaskStatus.COMPLETED, 3, 1)
        queued = [message for message in messages if "Queued again" in message]
        assert queued == ["It died. Queued again: retry 1 of 2.", "The end. Queued again."]
        assert messages.count("Starting on cpu.") == 3
        runs = (await manager.figures()).runs
        assert (runs.started["training"], runs.retried["training"], runs.lost["training"]) == (3, 2, 1)

    outcomes = [Outcome("lost", error="It died."), Outcome("interrupted", error="The end."), Outcome("completed")]
    submitted(scenario, Supervisor(*outcomes), max_run_retries=2)


def test_active_runs_a_task_whose_runs_are_lost_too_often_fails(submitted):
    async def scenario(manager, logs):
        assert (await logs.when_ended())[-1] == "Failed: It died."
        assert (await task(manager)).status is TaskStatus.FAILED
        assert (await manager.resources())["device_usage"]["cpu"]["training"] == 0

    submitted(scenario, Supervisor(*[Outcome("lost", error="It died.")] * 2), max_run_retries=1)


def test_active_runs_a_run_that_the_memory_guard_ended_says_why(submitted, cluster):
    cluster.ended_for_memory = {run_of("task-1"): "It used 8 GiB."}

    async def scenario(manager, logs):
        messages = await logs.when_ended()
        assert "It used 8 GiB. Queued again: retry 1 of 1." in messages
        assert messages[-1] == "Failed: The worker process died."

    submitted(scenario, Supervisor(*[Outcome("lost", error="The worker process died.")] * 2), max_run_retries=1)


def test_active_runs_silence_is_counted_on_after_an_error(submitted, monkeypatch, caplog):
    pass_time, bugs = RunTracker.pass_time, [ZeroDivisionError("a bug")]

    def fail_at_first(tracker, elapsed_s):
        if bugs:
            raise bugs.pop()
        pass_time(tracker, elapsed_s)

    monkeypatch.setattr(RunTracker, "pass_time", fail_at_first)
    supervisor = Supervisor()

    async def scenario(manager, logs):
        await until(lambda: supervisor.started)
        await manager.report(RunReport(run_of("task-1"), "task-1", 0, [], Progress()))
        assert "showed no sign of life" in (await logs.when_ended())[-1]

    submitted(scenario, supervisor, run_silence_s=0.1, max_run_retries=0)
    assert "the watch over silent runs failed and is started again" in caplog.text


def test_active_runs_a_result_counts_the_warnings_of_all_runs(play, tmp_path):
    def entry(level, message):
        return {"level": level, "message": message}

    class Reporting(Supervisor):
        manager: Any = None

        async def run(self, spec, options, task_manager_actor, more=()):
            entries = [entry("WARNING", f"odd file in run {spec.attempt}"), entry("INFO", "No WARNING.")]
            for _ in range(2):  # a report that arrives twice counts once
                await self.manager.report(RunReport(spec.run_id, "task-1", 0, entries, Progress()))
            return await super().run(spec, options, task_manager_actor)

    supervisor = Reporting(Outcome("lost", error="It died."), Outcome("completed", result=INFERENCE_RESULT))

    async def scenario(manager, logs):
        supervisor.manager = manager
        new = a_task(request={"save_path": str(tmp_path / "out")}, submission_warnings=("one", "two"))
        await manager.submit_batch([[new.model_dump_json()]])
        messages = await logs.when_ended()
        assert messages[0].startswith("Task accepted") and messages[1:3] == ["one", "two"]
        ended = await task(manager)
        # two of the submission, one of each run, one of the lost run
        assert ended.result == INFERENCE_RESULT | {"warnings": 5} and ended.warnings == 5
        assert ended.submission_warnings == ()

    play(scenario, supervisor)


def test_active_runs_a_failed_task_counts_its_warnings_too(submitted):
    async def scenario(manager, logs):
        await logs.when_ended()
        ended = await task(manager)
        assert (ended.status, ended.warnings, ended.result) == (TaskStatus.FAILED, 1, None)

    submitted(scenario, Supervisor(Outcome("lost", error="It died."), Outcome("failed", error="No.")))


def test_active_runs_warnings_of_a_submission_are_stored_with_its_task(play, commits):
    async def scenario(manager, logs):
        new = a_task(wanted_device="cpu", submission_warnings=("unknown field 'epochs', ignored",))
        seen = []
        commits.before = lambda *commit: seen.append(commit)
        await manager.submit_batch([[new.model_dump_json()]])
        rows, events, _ = seen[0]
        assert [record_of(row).warnings for row in rows] == [1] and rows[0].last_sequence == 2
        assert [event.sequence for event in events] == [1, 2]

    play(scenario, Supervisor())


def test_active_runs_a_run_whose_node_dies_is_not_at_fault_and_resumes_elsewhere(submitted, cluster):
    cluster.add_node("large", cpus=64)

    class Dying(Supervisor):
        async def run(self, spec, options, task_manager_actor, more=()):
            if spec.attempt == 1:
                cluster.dead_nodes.add("large")  # and Ray does not know it yet
            return await super().run(spec, options, task_manager_actor)

    supervisor = Dying(Outcome("lost", error="The worker process died."), Outcome("completed"))

    async def scenario(manager, logs):
        await until(lambda: supervisor.started)
        readings = cluster.readings
        await until(lambda: cluster.readings > readings + 20)
        assert supervisor.started == [run_of("task-1")], (
            "it must not start again before its node is known to be dead"
        )
        cluster.remove_node("large")
        messages = await logs.when_ended()
        assert "The node host of large left the cluster. Queued again." in messages
        ended = await task(manager)
        assert (ended.status, ended.losses, ended.attempt) == (TaskStatus.COMPLETED, 0, 2)
        assert supervisor.nodes == ["large", "head"]

    submitted(scenario, supervisor, max_run_retries=0)


def test_active_runs_a_run_that_never_began_is_not_awaited_when_its_node_leaves(submitted, cluster):
    cluster.add_node("large", cpus=64)
    supervisor = Supervisor()

    async def scenario(manager, logs):
        await until(lambda: supervisor.started)
        supervisor.outcomes = [Outcome("completed")]
        cluster.remove_node("large")
        assert "The node host of large left the cluster. Queued again." in await logs.when_ended()
        assert (await task(manager)).losses == 0

    submitted(scenario, supervisor, max_run_retries=0)
