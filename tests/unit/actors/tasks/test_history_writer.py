"""The writer of tasks and logs, over a real store."""

import asyncio
import json
import threading

import pytest

from actors.store.setup import prepare_store
from actors.store.store import Store, database_url
from actors.tasks.feed import TaskFeed
from actors.tasks.history_writer import HistoryWriter
from rfuav_ray.errors import ServiceBusy
from tests.support.sample_tasks import a_task
from tests.support.store_writes import watched_commits

WITHIN_S = 20


class Tasks:
    """A writer with its feed, its store and the newest records."""

    def __init__(self, url):
        self.newest = {}
        self.feed = TaskFeed()
        self.store = Store(url)
        self.published = []
        self.writer = HistoryWriter(self.store, self.feed, self.newest.__getitem__, self.published.extend)

    async def add(self, *tasks):
        self.newest |= {task.id: task for task in tasks}
        await self.writer.add([(task, [{"message": "accepted"}]) for task in tasks], lambda rows: None)

    def change(self, task_id, *messages, durable=True, **changes):
        self.newest[task_id] = self.newest[task_id].evolve(**changes)
        self.writer.change(task_id, [{"message": message} for message in messages], durable=durable)

    def log(self, task_id):
        return [
            (sequence, json.loads(entry)["message"]) for sequence, entry in self.store.read_events(task_id, 0, 100)
        ]

    def stored(self):
        return {row.id: row for row in self.store.load_tasks()}

    def shown(self, task_id):
        row = self.feed.get(task_id)
        return json.loads(row.record)["message"], row.last_sequence


@pytest.fixture
def commits(monkeypatch):
    monkeypatch.setattr("actors.tasks.history_writer.RETRY_S", 0.01)
    return watched_commits(monkeypatch)


@pytest.fixture
def tasks(tmp_path, commits):
    url = database_url("", tmp_path)
    prepare_store(url)
    tasks = Tasks(url)
    yield tasks
    tasks.store.close()


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario(), WITHIN_S))


def refuse(*_):
    raise ServiceBusy("The disk is full.", 5)


def test_history_writer_stores_a_task_and_its_log_in_one_commit(tasks, commits):
    seen = []
    commits.before = lambda rows, events, deleted: seen.append((len(rows), len(events)))

    async def scenario():
        await tasks.add(a_task(1))
        tasks.change("task-1", "one", "two", message="new")
        await tasks.writer.stored("task-1")
        assert seen == [(1, 1), (1, 2)]
        assert tasks.log("task-1") == [(1, "accepted"), (2, "one"), (3, "two")]
        assert tasks.stored()["task-1"].last_sequence == 3
        assert tasks.shown("task-1") == ("new", 3)

    run(scenario)


def test_history_writer_commits_together_what_waits_together(tasks, commits):
    counts = []

    async def scenario():
        await tasks.add(a_task(1), a_task(2))
        commits.before = lambda rows, *_: counts.append(len(rows))
        for _ in range(5):
            tasks.change("task-1", "a")
            tasks.change("task-2", "b")
        await tasks.writer.flush(WITHIN_S)
        assert counts == [2]
        assert len(tasks.log("task-1")) == len(tasks.log("task-2")) == 6

    run(scenario)


def test_history_writer_shows_changes_that_need_not_be_durable_without_a_commit(tasks, commits):
    async def scenario():
        await tasks.add(a_task(1))
        commits.before = refuse
        tasks.change("task-1", durable=False, message="half done")
        await tasks.writer.flush(WITHIN_S)
        assert tasks.shown("task-1") == ("half done", 1)
        assert json.loads(tasks.stored()["task-1"].record)["message"] != "half done"

    run(scenario)


def test_history_writer_repeats_changes_that_cannot_be_stored_and_shows_none_before(tasks, commits):
    async def scenario():
        await tasks.add(a_task(1), a_task(2))
        commits.before = refuse
        tasks.change("task-1", "lost?", message="new")
        tasks.change("task-2", durable=False, message="progress")
        stored = asyncio.create_task(tasks.writer.stored("task-1"))
        done, _ = await asyncio.wait({stored}, timeout=0.1)
        assert not done
        assert tasks.shown("task-1")[1] == 1 and tasks.shown("task-2") == ("progress", 1)
        tasks.change("task-1", "later", durable=False, message="newer")
        commits.before = lambda *_: None
        await stored
        await tasks.writer.stored("task-1")
        assert tasks.log("task-1") == [(1, "accepted"), (2, "lost?"), (3, "later")]
        assert tasks.shown("task-1") == ("newer", 3)

    run(scenario)


def test_history_writer_refuses_new_tasks_and_deletions_that_cannot_be_stored(tasks, commits):
    async def scenario():
        await tasks.add(a_task(1))
        commits.before = refuse
        with pytest.raises(ServiceBusy):
            await tasks.add(a_task(2))
        with pytest.raises(ServiceBusy):
            await tasks.writer.delete(["task-1"])
        commits.before = lambda *_: None
        tasks.change("task-1", "still here")
        await tasks.writer.stored("task-1")
        assert list(tasks.stored()) == ["task-1"] and tasks.feed.get("task-2") is None

    run(scenario)


def test_history_writer_deletes_a_task_with_its_log_and_a_new_task_has_a_new_log(tasks):
    async def scenario():
        await tasks.add(a_task(1))
        tasks.change("task-1", "old")
        await tasks.writer.delete(["task-1"])
        assert tasks.log("task-1") == [] and tasks.feed.get("task-1") is None
        await tasks.add(a_task(1))
        tasks.change("task-1", "new")
        await tasks.writer.stored("task-1")
        assert tasks.log("task-1") == [(1, "accepted"), (2, "new")]

    run(scenario)


def test_history_writer_stored_waits_for_a_commit_that_has_begun(tasks, commits):
    is_writing, may_continue = threading.Event(), threading.Event()

    def wait(*_):
        is_writing.set()
        assert may_continue.wait(WITHIN_S)

    async def scenario():
        await tasks.add(a_task(1))
        commits.before = wait
        tasks.change("task-1", "one")
        await asyncio.to_thread(is_writing.wait, WITHIN_S)
        stored = asyncio.create_task(tasks.writer.stored("task-1"))
        await asyncio.sleep(0)
        assert not stored.done() and tasks.shown("task-1")[1] == 1
        may_continue.set()
        await stored
        assert tasks.shown("task-1")[1] == 2

    run(scenario)


def test_history_writer_publishes_versions_in_ascending_order(tasks):
    async def scenario():
        await tasks.add(a_task(1), a_task(2))
        for _ in range(3):
            tasks.change("task-2", "b")
            tasks.change("task-1", durable=False, message="a")
            await tasks.writer.flush(WITHIN_S)
        versions = [change.version for change in tasks.published]
        assert versions == sorted(set(versions))
        assert all(row.version <= tasks.writer.version for row in tasks.stored().values())

    run(scenario)


def test_history_writer_after_a_bug_its_callers_hear_of_it_and_the_next_changes_are_written(tasks, monkeypatch):
    async def scenario():
        await tasks.add(a_task(1), a_task(2))
        publish, bugs = tasks.feed.publish, [ZeroDivisionError("a bug")] * 2

        def fail_at_first(change):
            if bugs:
                raise bugs.pop()
            publish(change)

        monkeypatch.setattr(tasks.feed, "publish", fail_at_first)
        for ask in (lambda: tasks.writer.stored("task-1"), lambda: tasks.writer.delete(["task-1"])):
            tasks.change("task-1", "spoilt")
            with pytest.raises(ZeroDivisionError):
                await ask()
        tasks.change("task-2", "good", message="new")
        await tasks.writer.stored("task-2")
        assert tasks.shown("task-2") == ("new", 2)

    run(scenario)
