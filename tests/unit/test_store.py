import json
import sqlite3

import pytest

from actors.store import Store, database_url
from rfuav_ray.errors import RfuavError
from rfuav_ray.tasks import TaskRecord, TaskStatus, advance, now


@pytest.fixture
def url(tmp_path):
    return database_url("", tmp_path / "state")


@pytest.fixture
def open_store(url):
    stores = []

    def open_it():
        stores.append(Store(url))
        return stores[-1]

    yield open_it
    for store in stores:
        store.close()


def a_task(number):
    return TaskRecord(
        id=f"task-{number}",
        kind="inference",
        request={"source_path": "/数据"},
        priority=3,
        number=number,
        wanted_device="cuda",
        created_at=now(),
        updated_at=now(),
    )


def test_tasks_come_back_as_they_were_in_the_order_of_submission(open_store):
    tasks = [a_task(3), a_task(1), a_task(2)]
    open_store().write_tasks(tasks)
    assert open_store().load_tasks() == sorted(tasks, key=lambda task: task.number)


def test_a_saved_task_replaces_its_earlier_state(open_store):
    store = open_store()
    store.write_tasks([a_task(1)])
    store.write_tasks([advance(a_task(1), TaskStatus.RUNNING)])
    (task,) = store.load_tasks()
    assert task.status is TaskStatus.RUNNING


def test_a_transaction_is_whole_or_not_at_all(open_store):
    store = open_store()
    with pytest.raises(Exception, match="UNIQUE"):
        store.write_tasks([a_task(1), a_task(1).model_copy(update={"id": "other"})])
    assert store.load_tasks() == []


def test_events_are_read_in_order_and_in_pages(open_store):
    store = open_store()
    store.append_events([("a", n, "run", n - 1, f"{n}") for n in range(1, 6)])
    store.append_events([("b", 1, "run", 0, "other")])
    assert store.read_events("a", after=1, limit=2) == [(2, "2"), (3, "3")]
    assert store.last_event("a") == (5, "5")
    assert store.last_event("nobody") is None


def test_the_highest_index_of_each_source_is_known(open_store):
    store = open_store()
    store.append_events([("a", 1, "run", 0, ""), ("a", 2, "manager", 0, ""), ("a", 3, "run", 1, "")])
    assert store.last_source_indexes("a") == {"run": 1, "manager": 0}


def test_changes_are_made_in_their_order(open_store):
    store = open_store()
    store.write_tasks([a_task(1), "task-1", a_task(2)])
    assert [task.id for task in store.load_tasks()] == ["task-2"]
    store.write_tasks(["task-2", a_task(2)])
    assert [task.id for task in store.load_tasks()] == ["task-2"]


def test_deleted_events_are_gone(open_store):
    store = open_store()
    store.append_events([("a", 1, "run", 0, "{}"), ("b", 1, "run", 0, "{}")])
    store.delete_events("a")
    assert store.last_event("a") is None and store.last_event("b") == (1, "{}")


def test_the_streams_that_have_ended_are_known(open_store):
    store = open_store()
    final = '{"stage": "completed", "status": "failed"}'
    store.append_events([("a", 1, "run", 0, "{}"), ("b", 1, "run", 0, final)])
    assert store.closed_streams() == {"b"}


def test_the_epoch_that_was_reported_last_is_known(open_store):
    store = open_store()
    assert store.last_epoch("a") == 0
    ends = [json.dumps({"message": "x", "stage": "epoch_end", "step": step}) for step in (1, 12, 2)]
    other = json.dumps({"message": '"stage": "epoch_end"', "stage": "training", "step": 3})
    store.append_events([("a", number, "run", number, end) for number, end in enumerate([*ends, other], start=1)])
    store.append_events([("b", 1, "run", 0, ends[1])])
    assert store.last_epoch("a") == 2


def test_a_store_of_another_release_is_refused(open_store, url):
    open_store().close()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE schema SET version = 99")
    connection.close()
    with pytest.raises(RfuavError, match="schema version 99"):
        open_store()


def test_a_commit_is_on_disk_when_it_returns(open_store):
    with open_store()._engine.connect() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]
