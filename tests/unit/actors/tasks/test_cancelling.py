"""A cancel at the moments between the queue and the run, over a real store; the supervisor is played."""

import asyncio
import threading

import pytest

from actors.runs.spec import Outcome
from actors.store.setup import prepare_store
from actors.store.store import database_url
from actors.tasks import manager as task_manager
from actors.tasks.manager import TaskManager
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskStatus
from tests.support.sample_tasks import a_task

TIMEOUT_S = 20


class Method:
    def __init__(self, call):
        self.remote = call


class Metrics:
    """Takes every entry of the log, and keeps the messages."""

    def __init__(self):
        self.messages = []
        self.append_batch = Method(self._append)

    async def _append(self, reports):
        self.messages += [entry["message"] for report in reports for entry in report.entries]
        return [None] * len(reports)


class Supervisor:
    """Notes what it is asked; a run lasts until it is cancelled."""

    def __init__(self):
        self.calls = []
        self.is_called = asyncio.Event()
        self.is_over = asyncio.Event()
        self.run, self.cancel, self.wait = Method(self._run), Method(self._cancel), Method(self._wait)

    async def _run(self, spec, options, task_manager_actor):
        self._note("run", spec.run_id)
        await self.is_over.wait()
        return Outcome("cancelled")

    def _note(self, *call):
        self.calls.append(call)
        self.is_called.set()

    async def next_call(self):
        await self.is_called.wait()
        self.is_called.clear()

    async def _wait(self, run_id):
        await self.is_over.wait()
        return Outcome("cancelled")

    async def _cancel(self, run_id, grace_s):
        self._note("cancel", run_id, grace_s)
        if grace_s == 0:
            self.is_over.set()


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Run a coroutine function with a started manager, whose CPU has a free slot, its supervisor and its log."""
    monkeypatch.setattr(task_manager, "write_to_log_file", lambda settings, rotates: None)
    monkeypatch.setattr("actors.tasks.dispatcher.own_actor", lambda: None)
    settings = Settings(_env_file=None, data_roots=[tmp_path], state_dir=tmp_path / "state")
    prepare_store(database_url("", settings.state_dir))

    def run(scenario):
        async def main():
            metrics, supervisor = Metrics(), Supervisor()
            manager = TaskManager(settings, metrics, supervisor)
            manager._dispatcher.slots.add("cpu", {"training": 1, "inference": 1, "preprocessing": 1}, is_open=True)

            async def has_started():
                pass

            monkeypatch.setattr(manager, "start", has_started)
            try:
                await asyncio.wait_for(scenario(manager, supervisor, metrics), TIMEOUT_S)
            finally:
                manager._table._store.close()

        asyncio.run(main())

    return run


def a_training(tmp_path, **fields):
    return a_task(request={"save_path": str(tmp_path / "out")}, **fields)


async def submit(manager, task):
    await manager.submit_batch([[task.model_dump_json()]])


async def ended(manager, task_id="task-1"):
    await asyncio.gather(*manager._dispatcher._followed, return_exceptions=True)
    return manager._table.get(task_id).status


def test_a_cancel_while_the_start_is_being_stored_is_heard(play, tmp_path, monkeypatch):
    is_writing, may_go_on = threading.Event(), threading.Event()

    async def scenario(manager, supervisor, metrics):
        save = manager._table._commit._save

        def slow(changes):
            if any(getattr(row, "status", "") == "running" for row in changes):
                is_writing.set()
                assert may_go_on.wait(TIMEOUT_S)
            save(changes)

        monkeypatch.setattr(manager._table._commit, "_save", slow)
        await submit(manager, a_training(tmp_path))
        await asyncio.to_thread(is_writing.wait, TIMEOUT_S)
        cancelling = asyncio.create_task(manager.cancel("task-1"))
        await supervisor.next_call()
        may_go_on.set()
        await cancelling
        assert await ended(manager) is TaskStatus.CANCELLED
        assert "run" not in [call[0] for call in supervisor.calls]
        assert manager._dispatcher.slots.used("cpu", "training") == 0

    play(scenario)


def test_a_second_cancel_kills(play, tmp_path):
    async def scenario(manager, supervisor, metrics):
        await submit(manager, a_training(tmp_path))
        await supervisor.next_call()
        await manager.cancel("task-1")
        assert manager._table.get("task-1").status is TaskStatus.RUNNING
        await manager.cancel("task-1")
        assert await ended(manager) is TaskStatus.CANCELLED
        graces_s = [call[2] for call in supervisor.calls if call[0] == "cancel"]
        assert graces_s[0] > 0 and graces_s[1] == 0
        assert "Cancel requested again: the run is killed." in metrics.messages

    play(scenario)


def test_a_cancel_outlives_the_task_manager_that_heard_it(play, tmp_path):
    async def scenario(manager, supervisor, metrics):
        await submit(manager, a_training(tmp_path))
        await supervisor.next_call()
        await manager.cancel("task-1")
        await supervisor.next_call()
        for following in set(manager._dispatcher._followed):  # as when the actor dies
            following.cancel()
        manager._dispatcher.slots.release("task-1")
        manager._dispatcher.recover([manager._table.get("task-1")])
        await supervisor.next_call()
        assert [call[0] for call in supervisor.calls] == ["run", "cancel", "cancel"]
        supervisor.is_over.set()
        assert await ended(manager) is TaskStatus.CANCELLED

    play(scenario)
