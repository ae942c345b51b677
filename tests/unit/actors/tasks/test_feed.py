import asyncio
import tracemalloc
from contextlib import contextmanager

import pytest

from actors.store.row import TaskRow
from actors.tasks import feed as task_feed
from actors.tasks.feed import Change, TaskFeed


def put(feed, task_id, version, *events, number=1):
    """Publish a new state of a task."""
    row = TaskRow(task_id, number, "training", "pending", version, None, len(events), "{}")
    feed.publish(Change(version, task_id, row, list(events)))


def drop(feed, task_id, version):
    feed.publish(Change(version, task_id, None, []))


def shown(page):
    """The versions of the changed tasks; None for deleted ones."""
    return {change.task_id: change.row and change.row.version for change in page.changes}


def read(feed, after=0, incarnation=None, wait_s=0.0):
    incarnation = incarnation or asyncio.run(feed.read("", 0, 0)).incarnation
    return asyncio.run(feed.read(incarnation, after, wait_s))


@contextmanager
def little_memory_is_taken():
    """What happens meanwhile leaves less than 20 kB behind."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[0] < 20_000
    finally:
        tracemalloc.stop()


def read_all(feed, page):
    """What a reader's copy holds that begins with this page."""
    copy = {}
    while True:
        copy |= shown(page)
        if page.is_last:
            return {task_id: version for task_id, version in copy.items() if version is not None}, page
        page = read(feed, page.version)


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(task_feed, "PAGE", 3)
    monkeypatch.setattr(task_feed, "DELETIONS_KEPT", 4)


def test_feed_a_reader_gets_what_changed_behind_its_version_once():
    feed = TaskFeed()
    put(feed, "a", 1)
    put(feed, "b", 2)
    first = read(feed)
    assert shown(first) == {"a": 1, "b": 2}
    put(feed, "a", 3)
    drop(feed, "b", 4)
    second = read(feed, first.version)
    assert shown(second) == {"a": 3, "b": None}
    assert read(feed, second.version).changes == []


def test_feed_a_reader_of_an_earlier_life_gets_everything():
    feed = TaskFeed()
    put(feed, "a", 1)
    page = read(feed, after=99, incarnation="earlier")
    assert shown(page) == {"a": 1} and page.restarts and page.incarnation != "earlier"
    assert not read(feed, page.version).restarts


def test_feed_a_large_table_travels_in_pages_and_changes_meanwhile_are_not_lost(small_pages):
    feed = TaskFeed()
    for number in range(1, 9):
        put(feed, f"{number}", number)
    first = read(feed, incarnation="earlier")
    assert len(first.changes) == 3 and not first.is_last
    put(feed, "1", 100)
    drop(feed, "2", 101)
    copy, _ = read_all(feed, first)
    assert copy == {"1": 100, **{f"{number}": number for number in range(3, 9)}}


def test_feed_a_task_that_changes_often_takes_no_more_room(small_pages):
    feed = TaskFeed()
    with little_memory_is_taken():
        for version in range(1, 1000):
            put(feed, "a", version)
    assert read_all(feed, read(feed))[0] == {"a": 999}


def test_feed_a_reader_behind_forgotten_deletions_begins_anew(small_pages):
    feed = TaskFeed()
    put(feed, "kept", 1)
    copy, last = read_all(feed, read(feed))
    with little_memory_is_taken():
        for number in range(1, 1000):
            put(feed, f"{number}", 2 * number)
            drop(feed, f"{number}", 2 * number + 1)
    page = read(feed, last.version)
    assert page.restarts
    copy, last = read_all(feed, page)
    assert copy == {"kept": 1}
    assert read(feed, last.version).is_last and not read(feed, last.version).restarts


def test_feed_events_come_with_their_task_in_order():
    feed = TaskFeed()
    put(feed, "a", 1, (1, "one"))
    start = read(feed)
    put(feed, "a", 2, (2, "two"))
    put(feed, "b", 3, (1, "other"))
    put(feed, "a", 4, (3, "three"))
    page = read(feed, start.version)
    assert [(change.task_id, change.events) for change in page.changes] == [
        ("b", [(1, "other")]),
        ("a", [(2, "two"), (3, "three")]),
    ]


def test_feed_a_reader_that_starts_gets_no_old_events():
    feed = TaskFeed()
    put(feed, "a", 1, (1, "one"))
    (change,) = read(feed, incarnation="earlier").changes
    assert change.events == []


def test_feed_a_new_task_does_not_get_the_events_of_a_deleted_one():
    feed = TaskFeed()
    start = read(feed)
    put(feed, "a", 1, (1, "old"))
    drop(feed, "a", 2)
    put(feed, "a", 3, (1, "new"), number=2)
    (change,) = read(feed, start.version).changes
    assert change.events == [(1, "new")]


def test_feed_only_the_newest_events_are_kept(monkeypatch):
    monkeypatch.setattr(task_feed, "EVENTFUL_CHANGES_KEPT", 2)
    feed = TaskFeed()
    start = read(feed)
    for version in range(1, 5):
        put(feed, "a", version, (version, "x"))
    (change,) = read(feed, start.version).changes
    assert [sequence for sequence, _ in change.events] == [3, 4]


def test_feed_a_repeated_feed_serves_the_readers_of_the_first_one():
    first = TaskFeed()
    put(first, "a", 1)
    page = read(first)
    put(first, "b", 2)
    again = TaskFeed(page.incarnation, page.forgotten_version)
    for change in read(first, incarnation="earlier").changes:
        again.publish(change)
    following = read(again, page.version)
    assert shown(following) == {"b": 2} and not following.restarts


def wait_while(happens):
    """The page that a waiting reader gets when this happens to the feed."""

    async def main():
        feed = TaskFeed()
        start = await feed.read("", 0, 0)
        waiting = asyncio.create_task(feed.read(start.incarnation, start.version, 30))
        await asyncio.sleep(0)
        happens(feed)
        return await asyncio.wait_for(waiting, 5)

    return asyncio.run(main())


def test_feed_a_waiting_reader_is_woken_by_a_change():
    page = wait_while(lambda feed: put(feed, "a", 1))
    assert shown(page) == {"a": 1} and not page.is_over


def test_feed_a_waiting_reader_is_told_that_the_service_stops():
    assert wait_while(TaskFeed.end).is_over


def test_feed_a_reader_that_waits_in_vain_gets_an_empty_page():
    feed = TaskFeed()
    assert read(feed, wait_s=0.01).changes == []
