"""What becomes of a run with several workers. The Ray tasks are played."""

import asyncio

import pytest
from ray.exceptions import WorkerCrashedError

from actors.runs import worker_group
from actors.runs.spec import Outcome, RunSpec
from actors.runs.supervisor import RunSupervisor
from actors.runs.worker_group import common_outcome
from rfuav_ray.errors import RunLost
from rfuav_ray.training.workers.seats import Member
from tests.support.ray_tasks import played_ray_tasks
from tests.support.sample_tasks import run_of
from tests.support.waiting import until

FIRST, SECOND = (
    RunSpec(run_of("task"), "task", "training", 1, {}, "cpu", rank=rank, workers=2) for rank in range(2)
)
RUN = FIRST.run_id
WITHIN_S = 30
DONE, CANCELLED, INTERRUPTED = (Outcome(status) for status in ("completed", "cancelled", "interrupted"))
DIED = Outcome("lost", error="The worker process died.")
MISSED = Outcome("lost", error="Connection closed by peer", missed_another=True)
FAILED = Outcome("failed", error="cannot read", traceback="lines")


@pytest.fixture
def tasks(monkeypatch):
    monkeypatch.setattr(worker_group, "END_TOGETHER_S", 0.05)
    return played_ray_tasks(monkeypatch)


def play(tasks, scenario):
    async def main():
        supervisor = RunSupervisor()
        running = asyncio.create_task(
            supervisor.run(FIRST, {"num_cpus": 1}, "manager", [(SECOND, {"num_cpus": 0.5})])
        )
        await until(lambda: len(tasks.refs) == 2)
        await scenario(supervisor, running, *tasks.refs)

    asyncio.run(asyncio.wait_for(main(), WITHIN_S))


def test_worker_group_each_worker_has_its_place_and_a_process_of_its_own(tasks):
    async def scenario(supervisor, running, first, second):
        first.set_result(DONE)
        second.set_result(DONE)
        assert await running == DONE

    play(tasks, scenario)
    assert tasks.arguments == [(FIRST, "manager"), (SECOND, "manager")]
    assert [options["num_cpus"] for options in tasks.options] == [1, 0.5]
    assert [options["max_calls"] for options in tasks.options] == [1, 1]
    assert tasks.killed == []


@pytest.mark.parametrize("outcome", [CANCELLED, INTERRUPTED, DONE])
def test_worker_group_the_others_end_with_the_first_one(tasks, outcome):
    async def scenario(supervisor, running, first, second):
        first.set_result(outcome)
        assert await running == outcome
        assert tasks.killed == [second]

    play(tasks, scenario)


def test_worker_group_the_first_one_may_write_after_the_others_have_completed(tasks):
    async def scenario(supervisor, running, first, second):
        second.set_result(DONE)
        await asyncio.sleep(4 * worker_group.END_TOGETHER_S)
        assert not running.done() and tasks.killed == []
        first.set_result(DONE)
        assert await running == DONE

    play(tasks, scenario)


@pytest.mark.parametrize("dead", [0, 1])
def test_worker_group_a_dead_worker_ends_the_run_as_lost(tasks, dead):
    async def scenario(supervisor, running, *refs):
        refs[dead].set_exception(WorkerCrashedError())
        outcome = await running
        assert outcome.status == "lost" and "worker process died" in outcome.error
        assert tasks.killed == [refs[1 - dead]]

    play(tasks, scenario)


def test_worker_group_cancel_kills_all_workers(tasks):
    async def scenario(supervisor, running, *refs):
        await supervisor.cancel(RUN, 0)
        assert await running == CANCELLED
        assert set(tasks.killed) == set(refs)

    play(tasks, scenario)


def test_worker_group_whose_node_is_gone_is_not_waited_for(tasks, monkeypatch):
    monkeypatch.setattr("actors.runs.supervisor.GIVE_UP_AFTER_S", 0)
    monkeypatch.setattr("actors.runs.supervisor.KILLED_WITHIN_S", 0)
    tasks.die_at_once = False

    async def scenario(supervisor, running, *refs):
        await supervisor.give_up(RUN, "The node left.", node_is_gone=True)
        assert await running == Outcome("lost", error="The node left.")
        assert set(tasks.killed) == set(refs)

    play(tasks, scenario)


def test_worker_group_meeting_ends_when_all_are_there(tasks):
    members = [Member(rank, "node", rank, "2", "cpu", "fp32", "") for rank in range(2)]

    async def scenario(supervisor, running, first, second):
        early = asyncio.create_task(supervisor.meet(RUN, 2, members[1]))
        await asyncio.sleep(0)
        assert not early.done()
        assert await supervisor.meet(RUN, 2, members[0]) == await early == members
        first.set_result(DONE)
        await running
        with pytest.raises(RunLost):
            await supervisor.meet(RUN, 2, members[1])

    play(tasks, scenario)


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        ({0: DONE, 1: MISSED}, DONE),
        ({0: INTERRUPTED, 1: FAILED}, INTERRUPTED),
        ({0: MISSED, 1: DIED}, Outcome("lost", error=f"Worker 2 of 2: {DIED.error}")),
        ({0: DIED, 1: MISSED}, DIED),
        ({0: MISSED, 1: FAILED}, Outcome("failed", error="Worker 2 of 2: cannot read", traceback="lines")),
        ({0: FAILED, 1: FAILED}, FAILED),
        ({0: MISSED}, MISSED),
        ({1: CANCELLED}, CANCELLED),
        ({0: DIED, 1: DONE}, DIED),
    ],
)
def test_worker_group_common_outcome_names_the_cause(ended, expected):
    assert common_outcome(ended, 2) == expected
