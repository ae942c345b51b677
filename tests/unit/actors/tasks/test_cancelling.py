"""A cancel at the moments between the queue and the run, over a real store; the supervisor is played."""

import asyncio
import threading

import pytest

from actors.runs.spec import Outcome
from actors.store.row import record_of
from rfuav_ray.tasks import TaskStatus
from tests.support.sample_tasks import a_task

TIMEOUT_S = 20


class Supervisor:
    """Notes what it is asked; a run lasts until it is killed or the test ends it."""

    def __init__(self):
        self.calls = []
        self._is_called = asyncio.Event()
        self.is_over = asyncio.Event()

    async def run(self, spec, options, task_manager_actor, more=()):
        self._note("run", spec.run_id)
        return await self.wait(spec.run_id)

    async def wait(self, run_id):
        await self.is_over.wait()
        return Outcome("cancelled")

    async def cancel(self, run_id, grace_s):
        self._note("cancel", run_id, grace_s)
        if grace_s == 0:
            self.is_over.set()

    def _note(self, *call):
        self.calls.append(call)
        self._is_called.set()

    async def next_call(self):
        await self._is_called.wait()
        self._is_called.clear()

    @property
    def asked(self):
        return [call[0] for call in self.calls]


@pytest.fixture
def training(tmp_path):
    return a_task(request={"save_path": str(tmp_path / "out")})


async def submit(manager, task):
    await manager.submit_batch([[task.model_dump_json()]])


async def status(manager, task_id="task-1"):
    return record_of(await manager.get(task_id)).status


def test_cancelling_a_cancel_while_the_start_is_being_stored_is_heard(play, commits, training):
    is_writing, may_go_on = threading.Event(), threading.Event()

    def wait_before_a_start(rows, events, deleted):
        if any(row.status == "running" for row in rows):
            is_writing.set()
            assert may_go_on.wait(TIMEOUT_S)

    commits.before = wait_before_a_start
    supervisor = Supervisor()

    async def scenario(manager, logs):
        await submit(manager, training)
        await asyncio.to_thread(is_writing.wait, TIMEOUT_S)
        cancelling = asyncio.create_task(manager.cancel("task-1"))
        for _ in range(10):  # more steps than the call needs to take effect
            await asyncio.sleep(0)
        assert manager.table.get("task-1").cancel_requested
        may_go_on.set()
        await cancelling
        await logs.when_ended()
        assert await status(manager) is TaskStatus.CANCELLED
        assert supervisor.asked == []
        assert (await manager.resources())["device_usage"]["cpu"]["training"] == 0

    play(scenario, supervisor)


def test_cancelling_a_second_cancel_kills(play, training):
    supervisor = Supervisor()

    async def scenario(manager, logs):
        await submit(manager, training)
        await supervisor.next_call()
        await manager.cancel("task-1")
        assert await status(manager) is TaskStatus.RUNNING
        await manager.cancel("task-1")
        messages = await logs.when_ended()
        assert await status(manager) is TaskStatus.CANCELLED
        graces_s = [call[2] for call in supervisor.calls if call[0] == "cancel"]
        assert graces_s[0] > 0 and graces_s[1] == 0
        assert "Cancel requested again: the run is killed." in messages

    play(scenario, supervisor)


def test_cancelling_a_cancel_outlives_the_task_manager_that_heard_it(play, training):
    first, second = Supervisor(), Supervisor()  # the same one; its events belong to one event loop

    async def dies_after_the_cancel(manager, logs):
        await submit(manager, training)
        await first.next_call()
        await manager.cancel("task-1")
        await first.next_call()

    async def goes_on(manager, logs):
        await second.next_call()
        assert second.asked == ["cancel"]
        second.is_over.set()
        await logs.when_ended()
        assert await status(manager) is TaskStatus.CANCELLED

    play(dies_after_the_cancel, first)
    assert first.asked == ["run", "cancel"]
    play(goes_on, second)
