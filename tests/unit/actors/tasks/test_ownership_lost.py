"""A task manager whose store another service takes over, over a real store; the supervisor is played."""

import asyncio

import pytest

from actors.runs.spec import Outcome
from actors.store import ownership_renewal
from actors.store.database import connect
from actors.store.ownership import Owner, OwnershipLost, take, wait_until_free
from actors.store.setup import prepare_store
from actors.store.store import database_url
from tests.support.sample_tasks import a_task

#: a later start of the same service takes over without a wait
FIRST, SECOND = Owner.new("here:/state"), Owner.new("here:/state")


class Supervisor:
    """A run lasts until it is given up."""

    def __init__(self):
        self.is_running, self.is_over = asyncio.Event(), asyncio.Event()

    async def run(self, spec, options, task_manager_actor, more=()):
        self.is_running.set()
        await self.is_over.wait()
        return Outcome("lost", error="given up")

    async def give_up(self, run_id, reason, *, node_is_gone):
        assert "another service has taken over" in reason
        self.is_over.set()


@pytest.fixture
def engine(tmp_path):
    url = database_url("", tmp_path / "state")
    prepare_store(url, FIRST)
    found = connect(url)
    yield found
    found.dispose()


def take_over(engine):
    take(engine, wait_until_free(engine, SECOND), SECOND)


def test_ownership_lost_ends_the_runs_and_refuses_every_call(play, engine, tmp_path, monkeypatch):
    monkeypatch.setattr(ownership_renewal, "RENEW_EVERY_S", 0.01)
    supervisor = Supervisor()

    async def scenario(manager, logs):
        task = a_task(request={"save_path": str(tmp_path / "out")})
        await manager.submit_batch([[task.model_dump_json()]])
        await supervisor.is_running.wait()
        take_over(engine)
        await supervisor.is_over.wait()
        for call in (manager.get("task-1"), manager.cancel("task-1"), manager.resources(), manager.stop(0)):
            with pytest.raises(OwnershipLost):
                await call

    play(scenario, supervisor, owner=FIRST)


def test_ownership_lost_while_the_task_manager_restarted_is_noticed_before_it_starts_a_run(play, engine):
    take_over(engine)

    async def scenario(manager, logs):
        raise AssertionError("It has started.")

    with pytest.raises(OwnershipLost):
        play(scenario, owner=FIRST)


def test_ownership_ends_with_the_service(play, engine):
    async def scenario(manager, logs):
        await manager.stop(0)

    play(scenario, owner=FIRST)
    assert wait_until_free(engine, SECOND).owner is None
