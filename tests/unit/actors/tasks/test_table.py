"""The table of tasks over a real store, and what retention deletes of it."""

import asyncio
import sqlite3
from collections import Counter
from datetime import timedelta

import pytest

from actors.events.gauges import QueueGauges
from actors.store.setup import prepare_store
from actors.store.store import Store, database_url
from actors.tasks.retention import DAY_S, Retention
from actors.tasks.table import TaskTable
from rfuav_ray.errors import ServiceBusy, TaskConflict, TaskNotFound
from rfuav_ray.tasks import TaskStatus, advance, now
from tests.support.sample_tasks import a_task
from tests.support.store_writes import watched_commits
from tests.support.waiting import until


@pytest.fixture
def url(tmp_path):
    url = database_url("", tmp_path)
    prepare_store(url)
    return url


@pytest.fixture
def commits(monkeypatch):
    return watched_commits(monkeypatch)


@pytest.fixture
def open_table(url):
    stores = []

    def open_it():
        stores.append(Store(url))
        return TaskTable(stores[-1], QueueGauges())

    yield open_it
    for store in stores:
        store.close()


def finished(task, days_ago=0.0):
    running = advance(task, TaskStatus.RUNNING)
    moment = now() - timedelta(days=days_ago)
    return advance(running, TaskStatus.COMPLETED, progress=100.0).evolve(ended_at=moment)


async def add(table, *tasks):
    stored = []
    table.reserve([task.id for task in tasks])
    await table.add([(task, [{"message": "accepted"}]) for task in tasks], stored.extend)
    return stored


async def finish(table, task, days_ago=0.0):
    table.change(finished(task, days_ago))
    await table.stored(task.id)


async def add_and_finish(table, numbers, days_ago):
    for task in await add(table, *map(a_task, numbers)):
        await finish(table, task, days_ago)


def test_table_a_table_that_is_loaded_again_has_the_same_tasks(open_table):
    async def main():
        table = open_table()
        first, second = await add(table, a_task(1), a_task(2))
        await finish(table, first)
        again = open_table()
        assert [task.id for task in await again.load()] == [second.id]
        assert again.get(first.id) == table.get(first.id)
        assert again.get(first.id).status is TaskStatus.COMPLETED
        (third,) = await add(again, a_task(3))
        assert third.number > second.number
        assert again.row(third.id).version > table.row(first.id).version

    asyncio.run(main())


def test_table_the_id_of_an_ended_task_is_in_use_until_it_is_deleted(open_table):
    async def main():
        table = open_table()
        await add_and_finish(table, [1], days_ago=0)
        with pytest.raises(TaskConflict, match="in use"):
            await add(table, a_task(2), a_task(1))
        with pytest.raises(TaskNotFound):
            table.get("task-2")
        await table.delete(["task-1"])
        with pytest.raises(TaskNotFound):
            table.get("task-1")
        await add(table, a_task(1))
        assert table.get("task-1").status is TaskStatus.PENDING

    asyncio.run(main())


def test_table_tasks_are_counted_until_they_are_deleted(url):
    counts = Counter()

    class Counted(QueueGauges):
        def count(self, before, after):
            counts.update({after: 1})
            counts.subtract({before: 1})

    async def main():
        table = TaskTable(Store(url), Counted())
        await add_and_finish(table, [1, 2], days_ago=0)
        await add(table, a_task(3))
        assert (counts["training", "completed"], counts["training", "pending"]) == (2, 1)
        await asyncio.gather(table.delete(["task-1"]), table.delete(["task-1"]))
        assert (counts["training", "completed"], counts["training", "pending"]) == (1, 1)

    asyncio.run(main())


def test_table_a_task_that_cannot_be_deleted_stays(commits, open_table):
    def refuse(*_):
        raise ServiceBusy("The disk is full.", 5)

    async def main():
        table = open_table()
        await add_and_finish(table, [1], days_ago=0)
        commits.before = refuse
        with pytest.raises(ServiceBusy):
            await table.delete(["task-1"])
        assert table.get("task-1").status is TaskStatus.COMPLETED
        again = open_table()
        await again.load()
        assert again.get("task-1").status is TaskStatus.COMPLETED

    asyncio.run(main())


def test_table_tasks_that_cannot_be_stored_are_not_there(open_table, url, monkeypatch):
    monkeypatch.setattr("actors.store.database.BUSY_TIMEOUT_MS", 10)

    async def main():
        table = open_table()
        await table.load()
        with sqlite3.connect(url.removeprefix("sqlite:///")) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(ServiceBusy, match="cannot be written"):
                await add(table, a_task(1))
        other.close()
        with pytest.raises(TaskNotFound):
            table.get("task-1")
        await add(table, a_task(1))

    asyncio.run(main())


def test_table_old_ended_tasks_are_forgotten_and_nothing_else(open_table):
    async def main():
        table = open_table()
        await add_and_finish(table, range(1, 4), days_ago=31)
        await add_and_finish(table, range(4, 6), days_ago=29)
        await add(table, a_task(6).evolve(created_at=now() - timedelta(days=100)))
        retention = Retention(30, table)
        assert await retention.prune(now().timestamp() - 30 * DAY_S) == 3
        again = open_table()
        await again.load()
        assert sorted(row.id for row in again.feed.rows()) == ["task-4", "task-5", "task-6"]

    asyncio.run(main())


def test_table_old_tasks_are_deleted_later_if_they_cannot_be_now(open_table, monkeypatch):
    monkeypatch.setattr("actors.tasks.retention.LOOK_EVERY_S", 0)
    prune, bugs = Retention.prune, [ZeroDivisionError("a bug")]

    async def fail_at_first(retention, before_s):
        if bugs:
            raise bugs.pop()
        return await prune(retention, before_s)

    monkeypatch.setattr(Retention, "prune", fail_at_first)

    async def main():
        table = open_table()
        await add_and_finish(table, [1], days_ago=31)
        Retention(30, table).begin()
        await until(lambda: not list(table.feed.rows()))
        assert bugs == []
        again = open_table()
        await again.load()
        assert list(again.feed.rows()) == []

    asyncio.run(asyncio.wait_for(main(), 20))
