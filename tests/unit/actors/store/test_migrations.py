"""From the first release's tables to this one's."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from actors.store.backup import back_up, backups
from actors.store.database import connect
from actors.store.migrations import upgrade
from actors.store.row import record_of, row_of
from actors.store.setup import prepare_store
from actors.store.store import Store
from actors.store.tables import metadata
from rfuav_ray.errors import RfuavError, ServiceBusy
from rfuav_ray.tasks import TaskStatus, advance
from tests.support.sample_tasks import a_row, a_task
from tests.support.store_samples import an_event

#: as the first release made them
FIRST_RELEASE = (
    "CREATE TABLE schema (version INTEGER NOT NULL, PRIMARY KEY (version))",
    "CREATE TABLE settings (name VARCHAR(64) NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name))",
    "CREATE TABLE tasks (id VARCHAR(64) NOT NULL, number BIGINT NOT NULL, record TEXT NOT NULL,"
    " PRIMARY KEY (id), UNIQUE (number))",
    "CREATE TABLE events (task_id VARCHAR(64) NOT NULL, sequence BIGINT NOT NULL, source VARCHAR(80) NOT NULL,"
    " source_index BIGINT NOT NULL, entry TEXT NOT NULL, is_final BOOLEAN NOT NULL,"
    " PRIMARY KEY (task_id, sequence))",
    "CREATE INDEX ix_events_is_final ON events (is_final)",
)
VERSION = "INSERT INTO schema VALUES (1)"


@pytest.fixture
def engine(url):
    engine = connect(url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(url):
    store = Store(url)
    yield store
    store.close()


def tasks_of_any_state():
    waiting = [a_task(number, version=number) for number in range(1, 2500)]
    running = advance(a_task(2500, version=2500), TaskStatus.RUNNING)
    ended = advance(
        advance(a_task(2501), TaskStatus.RUNNING), TaskStatus.FAILED, version=2501, error="NUL \0 and '"
    )
    return [*waiting, running, ended]


def events_of_any_kind():
    ends = [an_event("task-2501", number, stage="epoch_end", step=number) for number in (1, 2)]
    return [*ends, an_event("task-2501", 3, stage="completed", status="failed"), an_event("task-2500", 1)]


def make_first_release(engine, tasks=(), events=(), statements=(*FIRST_RELEASE, VERSION)):
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
        for task in tasks:
            row = {"id": task.id, "number": task.number, "record": task.model_dump_json()}
            connection.execute(sa.text("INSERT INTO tasks VALUES (:id, :number, :record)"), row)
        for event in events:
            values = {**event._asdict(), "index": event.sequence - 1, "is_final": '"status"' in event.entry}
            places = "(:task_id, :sequence, 'run', :index, :entry, :is_final)"
            connection.execute(sa.text(f"INSERT INTO events VALUES {places}"), values)
        if statements:
            value = {"value": json.dumps({"cpu": [1, 2]})}
            connection.execute(sa.text("INSERT INTO settings VALUES ('caps', :value)"), value)


def differences(engine):
    with engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection), metadata)


def table_names(engine):
    return set(sa.inspect(engine).get_table_names())


def test_migrations_a_new_store_has_the_tables_of_the_program(url, engine):
    assert prepare_store(url) is None
    assert differences(engine) == []


def test_migrations_a_store_of_the_first_release_keeps_everything(url, engine, store):
    tasks, events = tasks_of_any_state(), events_of_any_kind()
    make_first_release(engine, tasks, events)
    assert prepare_store(url) is None
    last_sequences = {"task-2500": 1, "task-2501": 3}
    assert store.load_tasks() == [row_of(task, last_sequences.get(task.id, 0)) for task in tasks]
    found = [store.read_events(task_id, 0, 10) for task_id in ("task-2501", "task-2500")]
    assert found == [[event[1:] for event in part] for part in (events[:3], events[3:])]
    assert store.read_setting("caps", {}) == {"cpu": [1, 2]}
    assert differences(engine) == [] and "schema" not in table_names(engine)


def test_migrations_a_prepared_store_is_left_as_it_is(url, store):
    prepare_store(url)
    store.commit([a_row(1)], [], [])
    assert prepare_store(url) is None
    assert store.load_tasks()[0].id == "task-1"


def test_migrations_a_first_start_that_was_killed_is_gone_on_with(url, engine):
    make_first_release(engine, statements=FIRST_RELEASE[:3])
    prepare_store(url)
    assert differences(engine) == []


def test_migrations_a_record_that_nobody_can_read_does_not_stop_the_migration(url, engine, store):
    make_first_release(engine, [a_task(1), a_task(2)])
    with engine.begin() as connection:
        connection.execute(sa.text("""UPDATE tasks SET record = '{"half": ' WHERE number = 1"""))
        upgrade(connection)
    assert [row.id for row in store.load_tasks()] == ["task-2"]


def test_migrations_an_ended_task_gets_the_last_event_of_its_log(url, engine, store):
    ended = advance(advance(a_task(1), TaskStatus.RUNNING), TaskStatus.FAILED, message="Failed: why")
    make_first_release(engine, [ended], [an_event("task-1", 1)])
    prepare_store(url)
    (row,) = store.load_tasks()
    _, (sequence, entry) = store.read_events("task-1", 0, 10)
    assert sequence == row.last_sequence == 2
    last = json.loads(entry)
    assert (last["stage"], last["status"], last["message"]) == ("completed", "failed", "Failed: why")


def test_migrations_a_training_that_resumes_knows_its_last_reported_epoch(url, engine, store):
    ends = [an_event("task-1", n, stage="epoch_end", step=n, metrics={"epoch": n}) for n in (1, 2)]
    make_first_release(engine, [advance(a_task(1), TaskStatus.RUNNING)], ends)
    prepare_store(url)
    task = record_of(store.load_tasks()[0])
    assert (task.current_epoch, task.latest_metrics) == (2, {"epoch": 2})


def test_migrations_the_warnings_of_a_log_are_counted(url, engine, store):
    warned = [an_event("task-1", n, level="WARNING") for n in (1, 2)]
    quoting = an_event("task-2", 1, level="INFO", stage='"level": "WARNING"')
    make_first_release(engine, [a_task(1), a_task(2)], [*warned, an_event("task-1", 3, level="ERROR"), quoting])
    prepare_store(url)
    assert [record_of(row).warnings for row in store.load_tasks()] == [2, 0]


def test_migrations_spectrograms_that_wait_or_run_keep_the_style_of_their_time(url, engine, store):
    def drawing(number, **request):
        return a_task(number, kind="spectrogram", request={"input_path": "x", **request})

    tasks = [drawing(1, sample_rate_hz=100e6), drawing(2, sample_rate_hz=20e6), a_task(3)]
    make_first_release(engine, [advance(tasks[0], TaskStatus.RUNNING), *tasks[1:]])
    prepare_store(url)
    requests = [record_of(row).request for row in store.load_tasks()]
    assert requests[0] == {"input_path": "x", "style": "peak", "sample_rate_hz": None}
    assert requests[1] == {"input_path": "x", "style": "peak", "sample_rate_hz": 20e6}
    assert requests[2] == tasks[2].request


def test_migrations_events_without_a_task_are_dropped(url, engine, store):
    make_first_release(engine, [a_task(1)], [an_event("gone", 1)])
    prepare_store(url)
    assert store.read_events("gone", 0, 10) == []


def test_migrations_a_migration_that_is_interrupted_leaves_the_old_tables(url, engine, store):
    tasks = [a_task(1)]
    make_first_release(engine, tasks)

    class Killed(BaseException):
        pass

    def kill(_connection, _cursor, statement, *_others):
        if "DROP INDEX ix_events_epoch_end" in statement:  # near the end
            raise Killed

    sa.event.listen(engine, "before_cursor_execute", kill)
    with pytest.raises(Killed), engine.begin() as connection:
        upgrade(connection)
    sa.event.remove(engine, "before_cursor_execute", kill)
    assert table_names(engine) == {"schema", "settings", "tasks", "events"}
    assert {column["name"] for column in sa.inspect(engine).get_columns("tasks")} == {"id", "number", "record"}
    prepare_store(url)
    assert store.load_tasks() == [row_of(task) for task in tasks]


def test_migrations_a_store_of_a_newer_release_is_refused_and_not_changed(url, engine, store):
    prepare_store(url)
    store.commit([a_row(1)], [], [])
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0099'"))
    with pytest.raises(
        RfuavError, match=r"schema version 0099.*A newer release wrote it.* Install the newer release"
    ):
        prepare_store(url)
    assert len(store.load_tasks()) == 1


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_migrations_a_file_has_a_backup_before_its_tables_change(url, engine, store):
    make_first_release(engine, [a_task(1)])
    file = Path(engine.url.database)
    prepare_store(url)
    (backup,) = backups(file)
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT version FROM schema").fetchall() == [(1,)]
        assert connection.execute("SELECT id FROM tasks").fetchall() == [("task-1",)]
    prepare_store(url)
    assert backups(file) == [backup]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_migrations_a_backup_of_an_older_release_is_migrated_when_it_is_restored(url, engine, store):
    make_first_release(engine, [a_task(1)])
    file = Path(engine.url.database)
    back_up(file)
    engine.dispose()
    file.write_bytes(b"")
    assert "took its place" in str(prepare_store(url))
    assert [row.id for row in store.load_tasks()] == ["task-1"] and differences(engine) == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_migrations_without_a_backup_nothing_changes(url, engine):
    make_first_release(engine, [a_task(1)])
    Path(engine.url.database).with_name("backups").touch()
    with pytest.raises(RfuavError, match="needs a backup before this release changes it: Backups cannot be kept"):
        prepare_store(url)
    assert "schema" in table_names(engine)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_migrations_a_file_that_another_program_holds_is_not_taken_for_damaged(url, engine, monkeypatch):
    prepare_store(url)
    monkeypatch.setattr("actors.store.database.BUSY_TIMEOUT_MS", 1)
    file = Path(engine.url.database)
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        held = Store(url)
        with pytest.raises(
            ServiceBusy, match=r"cannot be written: database is locked. Another program has locked"
        ):
            held.commit([a_row(1)], [], [])
        held.close()
    prepare_store(url)
    assert list(file.parent.glob("*damaged*")) == []
