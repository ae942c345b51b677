"""A run from its slot to its outcome; the supervisor is played."""

import asyncio
from types import SimpleNamespace

import pytest
import ray
from ray.exceptions import ActorDiedError

from actors.runs.spec import Outcome, RunSpec
from actors.runs.tracker import RunTracker
from tests.support.actor_handles import LocalHandle
from tests.support.sample_tasks import run_of

WITHIN_S = 20
GRACE_S = 7.0
SPEC = RunSpec(run_of("task"), "task", "training", 1, {}, "cpu", 1)


class Supervisor:
    """Its runs last until they are cancelled, given up, or the test ends them."""

    def __init__(self):
        self.calls = []
        self.is_called = asyncio.Event()
        self._outcome = asyncio.get_running_loop().create_future()

    async def run(self, spec, options, task_manager_actor, more=()):
        self._note("run", spec.run_id)
        return await self._outcome

    async def wait(self, run_id):
        self._note("wait", run_id)
        return await self._outcome

    async def cancel(self, run_id, grace_s):
        self._note("cancel", run_id, grace_s)
        self.end(Outcome("cancelled"))

    async def give_up(self, run_id, reason, *, node_is_gone):
        self._note("give_up", run_id, reason)
        self.end(Outcome("lost", error=reason))

    async def ping(self):
        self._note("ping")

    def end(self, outcome):
        if not self._outcome.done():
            self._outcome.set_result(outcome)

    def fail(self, error):
        self._outcome.set_exception(error)

    def _note(self, *call):
        self.calls.append(call)
        self.is_called.set()


@pytest.fixture(autouse=True)
def _in_an_actor(monkeypatch):
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(current_actor="task manager"))


def play(scenario, **options):
    """Run a scenario with a supervisor and a tracker of the run `task:1`."""

    async def main():
        supervisor = Supervisor()
        options_ = {"cancel_grace_s": GRACE_S, "silence_limit_s": 0.0} | options
        return await scenario(supervisor, RunTracker(SPEC.run_id, LocalHandle(supervisor), **options_))

    return asyncio.run(asyncio.wait_for(main(), WITHIN_S))


async def nothing():
    """A run that needs no preparation."""


def plan():
    return [(SPEC, {})]


def test_tracker_a_run_is_prepared_then_started():
    steps = []

    async def prepare():
        steps.append("prepare")

    async def scenario(supervisor, tracker):
        supervisor.end(Outcome("completed"))

        def noted_plan():
            steps.append("plan")
            return plan()

        outcome = await tracker.start(prepare, noted_plan)
        return outcome.status, supervisor.calls

    assert play(scenario) == ("completed", [("run", SPEC.run_id)])
    assert steps == ["prepare", "plan"]


@pytest.mark.parametrize(
    "moment", ["before the start", "while it is prepared", "while it is planned", "at once after"]
)
def test_tracker_a_cancel_at_any_moment_ends_the_run(moment):
    async def scenario(supervisor, tracker):
        is_preparing, may_continue = asyncio.Event(), asyncio.Event()

        async def prepare():
            is_preparing.set()
            await may_continue.wait()

        def cancelling_plan():
            if moment == "while it is planned":
                asyncio.get_running_loop().call_soon(tracker.cancel)
            return plan()

        if moment == "before the start":
            tracker.cancel()
        running = asyncio.create_task(tracker.start(prepare, cancelling_plan))
        await is_preparing.wait()
        if moment == "while it is prepared":
            tracker.cancel()
        may_continue.set()
        if moment == "at once after":
            await supervisor.is_called.wait()
            tracker.cancel()
        outcome = await running
        return outcome.status, [call[0] for call in supervisor.calls]

    status, calls = play(scenario)
    assert status == "cancelled"
    assert calls == ([] if moment in ("before the start", "while it is prepared") else ["run", "cancel"])


def test_tracker_a_second_cancel_kills_at_once():
    async def scenario(supervisor, tracker):
        running = asyncio.create_task(tracker.start(nothing, plan))
        await supervisor.is_called.wait()
        tracker.cancel()
        tracker.cancel()
        await running
        return [call[2] for call in supervisor.calls if call[0] == "cancel"]

    assert play(scenario) == [GRACE_S, 0.0]


def test_tracker_a_run_from_before_a_restart_can_be_cancelled():
    async def scenario(supervisor, tracker):
        tracker.cancel()
        outcome = await tracker.follow()
        return outcome.status, sorted(call[0] for call in supervisor.calls)

    assert play(scenario, is_at_supervisor=True) == ("cancelled", ["cancel", "wait"])


@pytest.mark.parametrize("step", ["prepare", "plan"])
def test_tracker_a_run_that_cannot_be_started_has_failed(step):
    async def refuse():
        raise OSError("no such folder")

    def refuse_plan():
        raise OSError("no such folder")

    async def scenario(supervisor, tracker):
        arguments = (refuse, plan) if step == "prepare" else (nothing, refuse_plan)
        return await tracker.start(*arguments), supervisor.calls

    outcome, calls = play(scenario)
    assert (outcome.status, outcome.error) == ("failed", "The run could not be started: no such folder")
    assert calls == []


def test_tracker_the_death_of_the_supervisor_interrupts_the_run():
    async def scenario(supervisor, tracker):
        running = asyncio.create_task(tracker.start(nothing, plan))
        await supervisor.is_called.wait()
        supervisor.fail(ActorDiedError())
        outcome = await running
        return outcome.status, supervisor.calls[-1]

    assert play(scenario) == ("interrupted", ("ping",))


def silent(*steps):
    """What becomes of a started run after these steps with its tracker."""

    async def scenario(supervisor, tracker):
        running = asyncio.create_task(tracker.start(nothing, plan))
        await supervisor.is_called.wait()
        for step in steps:
            step(tracker)
        await asyncio.sleep(0)
        supervisor.end(Outcome("completed"))
        return (await running).status, [call[0] for call in supervisor.calls]

    return play(scenario, silence_limit_s=60.0)


def test_tracker_a_silent_run_is_given_up_once():
    def wait(tracker):
        tracker.pass_time(31)

    assert silent(lambda tracker: tracker.heard(0), wait, wait, wait, wait) == ("lost", ["run", "give_up"])


def test_tracker_a_run_that_reports_is_not_silent():
    def report(tracker):
        tracker.pass_time(31)
        tracker.heard(0)

    assert silent(report, report, report) == ("completed", ["run"])


def test_tracker_reports_of_a_hung_run_do_not_keep_it_alive():
    def report(tracker):
        tracker.heard(59)
        tracker.pass_time(2)

    assert silent(report) == ("lost", ["run", "give_up"])


def test_tracker_reports_of_a_run_that_was_given_up_do_not_give_it_up_again():
    def report(tracker):
        tracker.heard(61)
        tracker.pass_time(1)

    assert silent(report, report, report) == ("lost", ["run", "give_up"])


def test_tracker_a_run_that_hung_while_its_manager_restarted_is_given_up():
    async def scenario(supervisor, tracker):
        tracker.pass_time(61)
        return (await tracker.follow()).status

    assert play(scenario, silence_limit_s=60.0, is_at_supervisor=True, has_reported=True) == "lost"


def test_tracker_a_run_whose_node_is_lost_before_its_start_never_starts():
    async def scenario(supervisor, tracker):
        tracker.give_up("The node left.")
        outcome = await tracker.start(nothing, plan)
        return outcome.status, outcome.error, supervisor.calls

    assert play(scenario) == ("lost", "The node left.", [])


def test_tracker_a_run_that_has_not_begun_is_not_silent():
    assert silent(lambda tracker: tracker.pass_time(3600)) == ("completed", ["run"])
