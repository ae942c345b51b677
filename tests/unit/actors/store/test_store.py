import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import IntegrityError

from actors.store.row import record_of, row_of
from actors.store.setup import prepare_store
from actors.store.store import EventRow, Store, database_url
from rfuav_ray.errors import RfuavError, ServiceBusy
from rfuav_ray.tasks import TaskStatus, advance
from tests.support.sample_tasks import a_row, a_task


@pytest.fixture
def open_store(url):
    stores = []

    def open_it():
        if not stores:
            prepare_store(url)
        stores.append(Store(url))
        return stores[-1]

    yield open_it
    for store in stores:
        store.close()


def test_store_tasks_come_back_as_they_were_in_the_order_of_submission(open_store):
    rows = [a_row(3), a_row(1), a_row(2)]
    open_store().commit(rows, [], [])
    found = open_store().load_tasks()
    assert found == [rows[1], rows[2], rows[0]]
    assert record_of(found[0]).request == {"source_path": "/数据"}


def test_store_a_saved_task_replaces_its_earlier_state(open_store):
    store = open_store()
    store.commit([a_row(1)], [], [])
    ended = row_of(advance(advance(a_task(1), TaskStatus.RUNNING), TaskStatus.COMPLETED))
    store.commit([ended], [], [])
    assert store.load_tasks() == [ended]
    assert ended.status == "completed" and ended.ended_at_s is not None


def test_store_a_transaction_is_whole_or_not_at_all(open_store):
    store = open_store()
    with pytest.raises(IntegrityError):
        store.commit([a_row(1), row_of(a_task(1).model_copy(update={"id": "other"}))], [], [])
    assert store.load_tasks() == []


def test_store_a_deletion_comes_after_the_other_changes(open_store):
    store = open_store()
    store.commit([a_row(1), a_row(2)], [EventRow("task-1", 1, "{}")], ["task-1"])
    assert [task.id for task in store.load_tasks()] == ["task-2"]
    assert store.read_events("task-1", after=0, limit=10) == []


def test_store_a_task_and_its_events_are_stored_together_or_not_at_all(open_store):
    store = open_store()
    event = EventRow("task-1", 1, "{}")
    with pytest.raises(IntegrityError):
        store.commit([a_row(1)], [event, event], [])
    assert store.load_tasks() == [] and store.read_events("task-1", 0, 10) == []


def test_store_thousands_of_tasks_and_their_events_are_deleted_at_once(open_store):
    store = open_store()
    ids = [f"task-{number}" for number in range(5001)]
    store.commit([a_row(number) for number in range(5001)], [EventRow(task_id, 1, "{}") for task_id in ids], [])
    store.commit([], [], ids[:-1])
    assert [task.id for task in store.load_tasks()] == ["task-5000"]
    assert store.read_events("task-1", 0, 10) == [] and store.read_events("task-5000", 0, 10) == [(1, "{}")]


def test_store_a_setting_keeps_what_was_written_last(open_store):
    store = open_store()
    assert store.read_setting("caps", {}) == {}
    store.write_setting("caps", {"cpu": [1, 2]})
    store.write_setting("caps", {"cpu": [3, 4]})
    assert open_store().read_setting("caps", {}) == {"cpu": [3, 4]}


def test_store_events_are_read_in_order_and_in_pages(open_store):
    store = open_store()
    store.commit([], [EventRow("a", n, f"{n}") for n in range(1, 6)], [])
    store.commit([], [EventRow("b", 1, "other")], [])
    assert store.read_events("a", after=1, limit=2) == [(2, "2"), (3, "3")]
    assert store.read_events("b", after=0, limit=2) == [(1, "other")]


def test_store_texts_of_any_letters_come_back(open_store):
    store = open_store()
    text = "NUL \0, quote ' \" \\, 100 %, :name, emoji 🛩, line\r\nend"
    entry = json.dumps({"message": text}, ensure_ascii=False)
    task = a_task(1).evolve(message=text)
    store.commit([row_of(task, 1)], [EventRow("task-1", 1, entry)], [])
    ((_, found),) = store.read_events("task-1", 0, 10)
    assert json.loads(found)["message"] == text
    assert record_of(store.load_tasks()[0]) == task


def test_store_is_read_while_another_actor_writes(open_store):
    manager, metrics = open_store(), open_store()

    def write():
        for number in range(1, 101):
            manager.commit([a_row(1)._replace(last_sequence=number)], [EventRow("task-1", number, "{}")], [])

    def read():
        for _ in range(100):
            rows = metrics.load_tasks()
            if rows:
                assert len(metrics.read_events("task-1", 0, 1000)) >= rows[0].last_sequence

    with ThreadPoolExecutor(2) as threads:
        for working in [threads.submit(write), threads.submit(read)]:
            working.result()
    assert open_store().load_tasks()[0].last_sequence == 100


def test_store_opening_a_store_loads_no_migrations():
    program = "import sys, actors.store.store; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("rfuav.db", "is not a valid database address"),
        ("postgresql://rfuav:geheim@host:port/rfuav", "is not a valid database address"),
        ("mysql://rfuav:geheim@host/rfuav", "names 'mysql'"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
    ],
)
def test_store_an_address_that_cannot_be_used_is_refused_without_its_password(address, reason):
    with pytest.raises(RfuavError, match=reason) as caught:
        Store(address)
    assert "DATABASE_URL" in str(caught.value) and "geheim" not in str(caught.value)


def test_store_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(RfuavError, match=r"pip install 'rfuav-ray\[postgres\]'"):
        Store("postgresql://host/rfuav")


@pytest.fixture
def limit_pages():
    """`limit_pages(pages)`: the largest size of SQLite files from now on; the test can change it."""
    limit = {"pages": 0}

    def apply(connection):
        connection.exec_driver_sql(f"PRAGMA max_page_count = {limit['pages']}")

    def begin(pages):
        limit["pages"] = pages
        event.listen(Engine, "begin", apply)
        return limit

    yield begin
    event.remove(Engine, "begin", apply)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_store_a_full_disk_is_said_in_plain_words_and_ends(open_store, limit_pages):
    store = open_store()
    limit = limit_pages(40)
    with pytest.raises(
        ServiceBusy, match=r"cannot be written: database or disk is full\. Free some space in '.*state'"
    ):
        store.commit([a_row(number) for number in range(1000)], [], [])
    assert store.load_tasks() == []
    limit["pages"] = 10_000
    store.commit([a_row(1)], [], [])
    assert len(store.load_tasks()) == 1


def test_store_a_failure_passes_from_process_to_process(tmp_path):
    store = Store(database_url("", tmp_path / "folder"))
    (tmp_path / "folder" / "rfuav.db").mkdir()
    with pytest.raises(ServiceBusy) as caught:
        store.load_tasks()
    passed = pickle.loads(pickle.dumps(caught.value))
    folder = tmp_path / "folder"
    assert str(passed) == str(caught.value) and passed.retry_after_s > 0
    assert str(passed).startswith("The task store cannot be read: unable to open database file.")
    assert f"'{folder}'" in str(passed)
