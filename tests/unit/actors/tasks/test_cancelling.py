"""A cancel at the moments between the queue and the run, over a real store; the supervisor is played."""

import asyncio
import json
import threading

import pytest

from actors.runs.spec import Outcome
from rfuav_ray.tasks import TaskStatus
from tests.support.sample_tasks import a_task

TIMEOUT_S = 20


class Supervisor:
    """Notes what it is asked; a run lasts until it is killed or the test ends it."""

    def __init__(self):
        self.calls = []
        self._is_called = asyncio.Event()
        self.is_over = asyncio.Event()

    async def run(self, spec, options, task_manager_actor):
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


async def log_until_the_end(metrics, task_id="task-1"):
    """The messages of the task's log, when it is complete."""
    messages, page = [], await metrics.read(task_id, 0, 100, TIMEOUT_S)
    while True:
        messages += [json.loads(entry)["message"] for _, entry in page.events]
        if page.is_last:
            return messages
        page = await metrics.read(task_id, page.last_sequence, 100, TIMEOUT_S)


async def status(manager, task_id="task-1"):
    return (await manager.get(task_id)).status


def test_cancelling_a_cancel_while_the_start_is_being_stored_is_heard(play, task_writes, training):
    is_writing, may_go_on = threading.Event(), threading.Event()

    def wait_before_a_start(rows):
        if any(getattr(row, "status", "") == "running" for row in rows):
            is_writing.set()
            assert may_go_on.wait(TIMEOUT_S)

    task_writes.before = wait_before_a_start
    supervisor = Supervisor()

    async def scenario(manager, metrics):
        await submit(manager, training)
        await asyncio.to_thread(is_writing.wait, TIMEOUT_S)
        cancelling = asyncio.create_task(manager.cancel("task-1"))
        await supervisor.next_call()
        may_go_on.set()
        await cancelling
        await log_until_the_end(metrics)
        assert await status(manager) is TaskStatus.CANCELLED
        assert "run" not in supervisor.asked
        assert (await manager.resources())["device_usage"]["cpu"]["training"] == 0

    play(scenario, supervisor)


def test_cancelling_a_second_cancel_kills(play, training):
    supervisor = Supervisor()

    async def scenario(manager, metrics):
        await submit(manager, training)
        await supervisor.next_call()
        await manager.cancel("task-1")
        assert await status(manager) is TaskStatus.RUNNING
        await manager.cancel("task-1")
        messages = await log_until_the_end(metrics)
        assert await status(manager) is TaskStatus.CANCELLED
        graces_s = [call[2] for call in supervisor.calls if call[0] == "cancel"]
        assert graces_s[0] > 0 and graces_s[1] == 0
        assert "Cancel requested again: the run is killed." in messages

    play(scenario, supervisor)


def test_cancelling_a_cancel_outlives_the_task_manager_that_heard_it(play, training):
    first, second = Supervisor(), Supervisor()  # the same one; its events belong to one event loop

    async def dies_after_the_cancel(manager, metrics):
        await submit(manager, training)
        await first.next_call()
        await manager.cancel("task-1")
        await first.next_call()

    async def goes_on(manager, metrics):
        await second.next_call()
        assert second.asked == ["cancel"]
        second.is_over.set()
        await log_until_the_end(metrics)
        assert await status(manager) is TaskStatus.CANCELLED

    play(dies_after_the_cancel, first)
    assert first.asked == ["run", "cancel"]
    play(goes_on, second)
