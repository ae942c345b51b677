import asyncio
import tracemalloc
from contextlib import contextmanager

import pytest

from actors.tasks import feed as task_feed
from actors.tasks.feed import TaskFeed
from actors.tasks.row import TaskRow


def a_row(task_id, version):
    return TaskRow(task_id, 1, "training", "pending", version, None, "{}")


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
        copy |= {row.id: row.version for row in page.rows}
        for task_id in page.deleted:
            copy.pop(task_id, None)
        if page.is_last:
            return copy, page
        page = read(feed, page.version)


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(task_feed, "PAGE", 3)
    monkeypatch.setattr(task_feed, "DELETIONS_KEPT", 4)


def test_feed_a_reader_gets_what_changed_behind_its_version_once():
    feed = TaskFeed()
    feed.publish(a_row("a", 1))
    feed.publish(a_row("b", 2))
    first = read(feed)
    assert {row.id for row in first.rows} == {"a", "b"}
    feed.publish(a_row("a", 3))
    feed.delete("b")
    second = read(feed, first.version)
    assert [(row.id, row.version) for row in second.rows] == [("a", 3)]
    assert second.deleted == ["b"]
    assert read(feed, second.version).rows == []


def test_feed_a_reader_of_an_earlier_life_gets_everything():
    feed = TaskFeed()
    feed.publish(a_row("a", 1))
    page = read(feed, after=99, incarnation="earlier")
    assert [row.id for row in page.rows] == ["a"] and page.restarts and page.incarnation != "earlier"
    assert not read(feed, page.version).restarts


def test_feed_a_large_table_travels_in_pages_and_changes_meanwhile_are_not_lost(small_pages):
    feed = TaskFeed()
    for number in range(8):
        feed.publish(a_row(f"{number}", number))
    first = read(feed, incarnation="earlier")
    assert len(first.rows) == 3 and not first.is_last
    feed.publish(a_row("0", 100))
    feed.delete("1")
    copy, _ = read_all(feed, first)
    assert copy == {"0": 100, **{f"{number}": number for number in range(2, 8)}}


def test_feed_a_task_that_changes_often_takes_no_more_room(small_pages):
    feed = TaskFeed()
    with little_memory_is_taken():
        for version in range(1000):
            feed.publish(a_row("a", version))
    assert read_all(feed, read(feed))[0] == {"a": 999}


def test_feed_a_reader_behind_forgotten_deletions_begins_anew(small_pages):
    feed = TaskFeed()
    feed.publish(a_row("kept", 1))
    copy, last = read_all(feed, read(feed))
    with little_memory_is_taken():
        for number in range(1000):
            feed.publish(a_row(f"{number}", number))
            feed.delete(f"{number}")
    page = read(feed, last.version)
    assert page.restarts
    copy, last = read_all(feed, page)
    assert copy == {"kept": 1}
    assert read(feed, last.version).is_last and not read(feed, last.version).restarts


def test_feed_an_older_state_that_comes_late_is_not_shown():
    feed = TaskFeed()
    feed.publish(a_row("a", 5))
    feed.publish(a_row("a", 4))
    assert [row.version for row in read(feed).rows] == [5]


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
    page = wait_while(lambda feed: feed.publish(a_row("a", 1)))
    assert [row.id for row in page.rows] == ["a"] and not page.is_over


def test_feed_a_waiting_reader_is_told_that_the_service_stops():
    assert wait_while(TaskFeed.end).is_over


def test_feed_a_reader_that_waits_in_vain_gets_an_empty_page():
    feed = TaskFeed()
    assert read(feed, wait_s=0.01).rows == []
