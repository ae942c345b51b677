"""What the TaskManager writes into logs, with a MetricsActor in this process that is away at times."""

import asyncio
from types import SimpleNamespace

import pytest
from ray.exceptions import ActorUnavailableError

from actors.store.setup import prepare_store
from actors.store.store import database_url
from actors.tasks.task_log import Journal
from rfuav_ray.tasks import TaskStatus
from tests.support.metrics import metrics_actor
from tests.support.sample_tasks import a_task
from tests.support.store_writes import watched_writes


class Remote:
    """The actor as Ray shows it; raises or loses the answers of the next calls."""

    def __init__(self, actor):
        self._actor = actor
        self.calls = 0
        self.is_away = 0
        self.answers_lost = 0
        self.append_batch = SimpleNamespace(remote=self._append)
        self.forget = SimpleNamespace(remote=actor.forget)

    async def _append(self, reports):
        self.calls += 1
        if self.is_away:
            self.is_away -= 1
            raise ActorUnavailableError("it is being restarted", b"x" * 16)
        errors = await self._actor.append_batch(reports)
        if self.answers_lost:
            self.answers_lost -= 1
            raise ActorUnavailableError("it ended", b"x" * 16)
        return errors


@pytest.fixture
def writes(monkeypatch):
    return watched_writes(monkeypatch, "append_events")


@pytest.fixture
def actor(tmp_path):
    prepare_store(database_url("", tmp_path))
    return metrics_actor(tmp_path)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr("actors.tasks.task_log.RETRY_S", 0.01)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


async def messages(actor, task_id):
    page = await actor.read(task_id)
    return [entry.split('"message": "')[1].split('"')[0] for _, entry in page.events]


def test_task_log_entries_travel_together_and_stay_in_order(actor):
    async def main():
        remote = Remote(actor)
        journal = Journal(remote)
        for number in range(10):
            journal.write("a", f"a{number}")
            journal.write("b", f"b{number}")
        await journal.flush(10)
        assert remote.calls <= 2
        return await messages(actor, "a"), await messages(actor, "b")

    assert run(main()) == ([f"a{n}" for n in range(10)], [f"b{n}" for n in range(10)])


@pytest.mark.parametrize("trouble", ["is_away", "answers_lost"])
def test_task_log_an_actor_that_is_away_gets_every_entry_once(actor, trouble):
    async def main():
        remote = Remote(actor)
        setattr(remote, trouble, 2)
        journal = Journal(remote)
        journal.write("a", "first")
        journal.write("a", "second")
        await journal.close(a_task(id="a", status=TaskStatus.COMPLETED, message="Completed."))
        return await messages(actor, "a")

    assert run(main()) == ["first", "second", "Completed."]


def test_task_log_a_disk_that_is_full_keeps_the_order_of_a_log(writes, actor):
    full = iter([True, True])

    def refuse(rows):
        if next(full, False):
            raise OSError("disk full")

    writes.before = refuse

    async def main():
        journal = Journal(Remote(actor))
        for number in range(3):
            journal.write("a", f"a{number}")
            await asyncio.sleep(0)
        await journal.flush(10)
        return await messages(actor, "a")

    assert run(main()) == ["a0", "a1", "a2"]


def test_task_log_entries_on_their_way_are_forgotten_too(actor):
    async def main():
        journal = Journal(Remote(actor))
        journal.write("a", "gone")
        await journal.forget(["a"])
        return await messages(actor, "a")

    assert run(main()) == []


def test_task_log_waiting_for_entries_has_an_end(actor):
    async def main():
        remote = Remote(actor)
        remote.is_away = 10**6
        journal = Journal(remote)
        journal.write("a", "waits")
        await journal.flush(0.05)
        remote.is_away = 0
        await journal.flush(10)
        return await messages(actor, "a")

    assert run(main()) == ["waits"]
