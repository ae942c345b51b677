"""The reports of runs, as the TaskManager accepts them."""

import asyncio
from datetime import timedelta

import pytest

from actors.runs.spec import Outcome, Progress, RunReport
from actors.store.row import record_of
from actors.tasks import reports
from rfuav_ray.errors import ServiceBusy
from tests.support.sample_tasks import CREATED_AT, a_task, run_of


class Supervisor:
    """Its runs last until the test ends them."""

    def __init__(self):
        self.has_started = asyncio.Event()
        self.is_over = asyncio.Event()
        self.outcome = Outcome("completed")

    async def run(self, spec, options, task_manager_actor, more=()):
        self.has_started.set()
        return await self.wait(spec.run_id)

    async def wait(self, run_id):
        await self.is_over.wait()
        return self.outcome

    async def cancel(self, run_id, grace_s):
        """The run goes on: the test says when it ends."""


@pytest.fixture
def started(play, tmp_path):
    """Run a scenario with a manager that runs `task-1`."""

    def run(scenario):
        supervisor = Supervisor()

        async def main(manager, logs):
            task = a_task(request={"save_path": str(tmp_path / "out")})
            await manager.submit_batch([[task.model_dump_json()]])
            await supervisor.has_started.wait()
            return await scenario(manager, logs, supervisor)

        return play(main, supervisor)

    return run


def report(*messages, first_index=0, attempt=1, **progress):
    entries = [{"message": message, "level": "INFO"} for message in messages]
    return RunReport(run_of("task-1", attempt), "task-1", first_index, entries, Progress(**progress))


async def task(manager):
    return record_of(await manager.get("task-1"))


def test_reports_entries_and_progress_are_stored_together(started):
    async def scenario(manager, logs, supervisor):
        answer = await manager.report(report("epoch 1", percent=10.0, epoch=1, metrics={"epoch": 1}))
        assert (answer.instruction, answer.is_stored) == ("continue", True)
        assert logs.messages()[-1] == "epoch 1"
        known = await task(manager)
        assert (known.progress, known.current_epoch, known.latest_metrics) == (10.0, 1, {"epoch": 1})

    started(scenario)


def test_reports_a_training_that_begins_again_stays_behind_its_last_reported_epoch(started):
    async def scenario(manager, logs, supervisor):
        for epoch in (1, 2, 3, 1, 2):
            await manager.report(report(epoch=epoch, metrics={"epoch": epoch}))
        known = await task(manager)
        assert (known.latest_metrics, known.reported_epoch) == ({"epoch": 2}, 3)

    started(scenario)


def test_reports_an_entry_that_arrives_again_is_recorded_once(started):
    async def scenario(manager, logs, supervisor):
        await manager.report(report("a", "b"))
        await manager.report(report("a", "b", "c"))
        await manager.report(report("b", "c", "d", first_index=1))
        assert logs.messages()[-4:] == ["a", "b", "c", "d"]

    started(scenario)


def test_reports_a_restarted_manager_knows_the_entries_that_it_has(started, play):
    async def first(manager, logs, supervisor):
        await manager.report(report("a", "b"))

    async def second(manager, logs):
        await manager.report(report("a", "b", "c"))
        assert logs.messages()[-3:] == ["a", "b", "c"]

    started(first)
    play(second, Supervisor())


def test_reports_the_answer_comes_while_nothing_can_be_stored_and_the_run_repeats(started, commits, monkeypatch):
    monkeypatch.setattr(reports, "STORED_WITHIN_S", 0.05)
    monkeypatch.setattr("actors.tasks.history_writer.RETRY_S", 0.01)

    def refuse(*_):
        raise ServiceBusy("The disk is full.", 5)

    async def scenario(manager, logs, supervisor):
        await manager.report(report("a"))
        commits.before = refuse
        answer = await manager.report(report("b", first_index=1))
        assert (answer.instruction, answer.is_stored) == ("continue", False)
        commits.before = lambda *_: None
        answer = await manager.report(report("b", "c", first_index=1))
        assert answer.is_stored
        assert logs.messages()[-3:] == ["a", "b", "c"]

    started(scenario)


def test_reports_a_cancelled_run_is_told_so(started):
    async def scenario(manager, logs, supervisor):
        await manager.cancel("task-1")
        assert (await manager.report(report("last"))).instruction == "cancel"
        supervisor.outcome = Outcome("cancelled")
        supervisor.is_over.set()
        assert (await logs.when_ended())[-2:] == ["last", "Cancelled."]

    started(scenario)


@pytest.mark.parametrize("attempt", [2, 7])
def test_reports_of_another_run_of_the_task_are_not_recorded(started, attempt):
    async def scenario(manager, logs, supervisor):
        answer = await manager.report(report("foreign", attempt=attempt))
        assert (answer.instruction, answer.is_stored) == ("interrupt", True)
        assert "foreign" not in logs.messages()

    started(scenario)


def test_reports_of_an_ended_or_unknown_task_end_their_run(started):
    async def scenario(manager, logs, supervisor):
        supervisor.is_over.set()
        await logs.when_ended()
        assert (await manager.report(report("late"))).instruction == "interrupt"
        assert logs.messages()[-1] == "Completed."
        await manager.delete("task-1")
        assert (await manager.report(report("late"))).instruction == "interrupt"
        assert logs.messages() == []

    started(scenario)


def test_reports_of_a_deleted_task_do_not_reach_a_later_one_with_its_id(started):
    async def scenario(manager, logs, supervisor):
        earlier = a_task(attempt=1, created_at=CREATED_AT - timedelta(days=1))
        answer = await manager.report(RunReport(earlier.run_id, "task-1", 0, [], Progress(percent=50.0)))
        assert answer.instruction == "interrupt"
        assert (await task(manager)).progress == 0

    started(scenario)


def test_reports_many_runs_report_less_often(started, monkeypatch):
    monkeypatch.setattr(reports, "REPORTS_PER_S", 0.5)

    async def scenario(manager, logs, supervisor):
        assert (await manager.report(report())).next_report_s == 2.0

    started(scenario)


def test_reports_warnings_of_a_run_reach_the_log_file(started, caplog):
    async def scenario(manager, logs, supervisor):
        entry = {"message": "odd samples", "level": "WARNING"}
        await manager.report(RunReport(run_of("task-1"), "task-1", 0, [entry], Progress()))
        await manager.report(RunReport(run_of("task-1"), "task-1", 0, [entry], Progress()))

    with caplog.at_level("INFO", "actors"):
        started(scenario)
    assert [record.getMessage() for record in caplog.records].count("task task-1: odd samples") == 1
