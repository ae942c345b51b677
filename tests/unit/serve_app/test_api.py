"""How a replica follows the feed of tasks, without Ray."""

import asyncio

import pytest
import ray

from actors import names
from actors.store.setup import prepare_store
from actors.store.store import database_url
from rfuav_ray.settings import Settings
from serve_app.api import create_app
from serve_app.view.task_view import TaskView
from tests.support.actor_handles import LocalHandle
from tests.support.metrics import FeedOfTasks
from tests.support.waiting import until

WITHIN_S = 20


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    prepare_store(database_url("", tmp_path))
    tasks = FeedOfTasks(tmp_path)
    actors = {names.TASK_MANAGER: LocalHandle(None), names.METRICS: LocalHandle(tasks)}
    monkeypatch.setattr(ray, "get_actor", lambda name, namespace: actors[name])
    return tasks


def test_api_a_replica_follows_the_tasks_after_a_page_that_it_did_not_understand(tasks, monkeypatch, caplog):
    apply, bugs = TaskView.apply, [ZeroDivisionError("a bug")]

    def fail_once(view, page):
        if tasks.feed.get("b") and bugs:
            raise bugs.pop()
        apply(view, page)

    monkeypatch.setattr(TaskView, "apply", fail_once)

    async def main():
        tasks.write("a", "one")
        app = create_app(Settings(_env_file=None))
        async with app.router.lifespan_context(app):
            copy = app.state.service.view
            assert copy.copy.row("a") is not None
            tasks.write("b", "other", number=2)
            await until(lambda: copy.copy.row("b"))
        assert bugs == []

    asyncio.run(asyncio.wait_for(main(), WITHIN_S))
    assert "the feed of tasks failed and is started again" in caplog.text
