"""The MetricsActor over a feed and a real store, without Ray."""

import asyncio
import json

import pytest

from actors.store.setup import prepare_store
from actors.store.store import database_url
from actors.tasks.feed import TaskFeed
from rfuav_ray.errors import ServiceBusy
from tests.support.metrics import FeedOfTasks, metrics_actor

WITHIN_S = 30


@pytest.fixture
def tasks(tmp_path):
    prepare_store(database_url("", tmp_path))
    return FeedOfTasks(tmp_path)


@pytest.fixture
def open_actor(tasks, tmp_path):
    return lambda: metrics_actor(tasks, tmp_path)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, WITHIN_S))


def shown(page):
    return [(change.task_id, messages(change.events)) for change in page.changes]


def messages(events):
    return [json.loads(entry)["message"] for _, entry in events]


def test_metrics_actor_repeats_the_feed_with_its_versions(tasks, open_actor):
    async def main():
        tasks.write("a", "one")
        actor = open_actor()
        first = await actor.changes("", 0, 0)
        assert (first.incarnation, first.version, first.restarts) == (tasks.feed.incarnation, 1, True)
        waiting = asyncio.create_task(actor.changes(first.incarnation, first.version, WITHIN_S))
        await asyncio.sleep(0)
        tasks.write("a", "two")
        assert shown(await waiting) == [("a", ["two"])]

    run(main())


def test_metrics_actor_that_is_new_serves_readers_of_the_one_before(tasks, open_actor):
    async def main():
        tasks.write("a", "one")
        page = await open_actor().changes("", 0, 0)
        tasks.write("b", "other", number=2)
        tasks.delete("a")
        following = await open_actor().changes(page.incarnation, page.version, 0)
        assert not following.restarts
        is_deleted = [(change.task_id, change.row is None) for change in following.changes]
        assert is_deleted == [("b", False), ("a", True)]

    run(main())


def test_metrics_actor_readers_of_a_task_manager_before_start_over(tasks, open_actor):
    async def main():
        tasks.write("a", "one")
        actor = open_actor()
        page = await actor.changes("", 0, 0)
        waiting = asyncio.create_task(actor.changes(page.incarnation, page.version, WITHIN_S))
        await asyncio.sleep(0)
        before, tasks.feed = tasks.feed, TaskFeed()
        tasks.write("a", "two")
        before.wake()
        while (following := await waiting).incarnation == page.incarnation:
            waiting = asyncio.create_task(actor.changes(following.incarnation, following.version, WITHIN_S))
        assert following.restarts and [change.task_id for change in following.changes] == ["a"]

    run(main())


def test_metrics_actor_tells_readers_that_the_service_stops(tasks, open_actor):
    async def main():
        actor = open_actor()
        page = await actor.changes("", 0, 0)
        waiting = asyncio.create_task(actor.changes(page.incarnation, page.version, WITHIN_S))
        await asyncio.sleep(0)
        tasks.feed.end()
        assert (await waiting).is_over

    run(main())


def test_metrics_actor_reads_the_history_from_the_store(tasks, open_actor):
    async def main():
        tasks.write("a", *"12345")
        actor = open_actor()
        events = await actor.history("a", 1, 3)
        assert [sequence for sequence, _ in events] == [2, 3, 4]
        assert await actor.history("nobody", 0, 10) == []

    run(main())


def test_metrics_actor_says_that_the_store_does_not_answer(tasks, open_actor, monkeypatch):
    def fail(*_):
        raise ServiceBusy("The database does not answer.", 5)

    monkeypatch.setattr("actors.store.store.Store.read_events", fail)
    with pytest.raises(ServiceBusy, match="does not answer"):
        run(open_actor().history("a", 0, 10))


def test_metrics_actor_reads_the_feed_again_after_a_page_that_it_did_not_understand(tasks, open_actor, caplog):
    async def main():
        tasks.write("a", "one")
        actor = open_actor()
        page = await actor.changes("", 0, 0)
        publish, bugs = TaskFeed.publish, [ZeroDivisionError("a bug")]

        def fail_at_first(feed, change):
            if bugs and feed is not tasks.feed:
                raise bugs.pop()
            publish(feed, change)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TaskFeed, "publish", fail_at_first)
            tasks.write("a", "two")
            while (following := await actor.changes(page.incarnation, page.version, WITHIN_S)).version < 2:
                """The reader waits for the next page."""
        assert bugs == [] and [change.version for change in following.changes] == [2]

    run(main())
    assert "the feed of tasks failed and is started again" in caplog.text
