"""Real damage to real files: the service starts, with every row that lies outside the damaged pages."""

import logging
import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from actors.store import repair as store_repair
from actors.store.database import connect
from actors.store.setup import prepare_store
from actors.store.store import Store, database_url
from tests.support.sample_tasks import a_row
from tests.support.store_samples import an_event

TASKS = [a_row(number, description="long " * 2000 if number % 40 == 0 else None) for number in range(1, 2001)]
EVENTS = [an_event(f"task-{number}", sequence) for number in range(1, 101) for sequence in range(1, 201)]
PAGE_BYTES = 4096


@pytest.fixture(scope="module")
def sound_file(tmp_path_factory):
    url = database_url("", tmp_path_factory.mktemp("sound"))
    prepare_store(url)
    store = Store(url)
    store.write_tasks(TASKS)
    store.append_events(EVENTS)
    store.write_setting("caps", {"cpu": [1, 2]})
    store.close()
    return tmp_path_factory.getbasetemp() / url.removeprefix("sqlite:///")


@pytest.fixture
def file(sound_file, tmp_path):
    shutil.copy(sound_file, tmp_path / "rfuav.db")
    return tmp_path / "rfuav.db"


def url_of(file):
    return f"sqlite:///{file}"


def repaired(file):
    """Repair the file at a start. Returns the message about it."""
    message = prepare_store(url_of(file))
    assert message is not None
    return message


def contents(file):
    store = Store(url_of(file))
    tasks = store.load_tasks()
    engine = connect(url_of(file))
    with engine.connect() as connection:
        query = "SELECT task_id, sequence, source, source_index, entry FROM events ORDER BY task_id, sequence"
        events = [tuple(row) for row in connection.exec_driver_sql(query)]
    engine.dispose()
    limits = store.read_setting("caps", None)
    store.close()
    return tasks, events, limits


def page(file, number):
    with file.open("rb") as opened:
        opened.seek((number - 1) * PAGE_BYTES)
        return opened.read(PAGE_BYTES)


def overwrite(file, number, first=0, size=PAGE_BYTES):
    with file.open("r+b") as opened:
        opened.seek((number - 1) * PAGE_BYTES + first)
        opened.write(random.Random(number).randbytes(size))


def pages_of_type(file, first_byte):
    count = file.stat().st_size // PAGE_BYTES
    return [number for number in range(2, count + 1) if page(file, number)[0] == first_byte]


def root_of(file, name):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name]).fetchone()[0]


def cells(file, number):
    return int.from_bytes(page(file, number)[3:5], "big")


def assert_saved(file, lost_rows, *, reason="was damaged"):
    """The start succeeds; all but at most these rows are there, and unchanged."""
    message = repaired(file)
    assert reason in message
    tasks, events, limits = contents(file)
    assert set(tasks) <= set(TASKS) and set(events) <= set(EVENTS)
    lost = len(TASKS) - len(tasks) + len(EVENTS) - len(events)
    assert lost <= lost_rows
    assert limits == {"cpu": [1, 2]}
    assert f"{len(tasks)} tasks (" in message and f"{len(events)} events (" in message
    (old,) = file.parent.glob("rfuav.db.damaged-*[0-9]")
    assert f"'{old}'" in message
    assert prepare_store(url_of(file)) is None
    return lost, message


def test_repair_half_a_page_in_the_middle(file, caplog):
    leaves = pages_of_type(file, 0x0D)
    middle = leaves[len(leaves) // 2]
    at_most = cells(file, middle)
    overwrite(file, middle, PAGE_BYTES // 2, PAGE_BYTES // 2)
    with caplog.at_level(logging.ERROR, "actors.store.repair"):
        lost, message = assert_saved(file, at_most)
    assert lost > 0 and " lost)" in message and message in caplog.text


def test_repair_the_last_page(file):
    overwrite(file, file.stat().st_size // PAGE_BYTES)
    assert_saved(file, 200)


@pytest.mark.parametrize("size", [100, PAGE_BYTES // 2, PAGE_BYTES])
def test_repair_the_first_page(file, size):
    overwrite(file, 1, 0, size)
    lost, message = assert_saved(file, 0, reason="file is not a database")
    assert lost == 0 and "number of lost rows unknown" in message


@pytest.mark.parametrize("table", ["events", "tasks"])
def test_repair_the_page_that_leads_to_all_rows_of_a_table(file, table):
    root = root_of(file, table)
    assert page(file, root)[0] == 0x05  # an interior page
    overwrite(file, root)
    lost, message = assert_saved(file, 0)
    assert lost == 0 and "2000 tasks (0 lost), 20000 events (0 lost), 1 settings (0 lost)" in message


def test_repair_a_page_of_an_index(file):
    overwrite(file, root_of(file, "ix_events_source"))
    assert assert_saved(file, 0)[0] == 0


def test_repair_a_page_of_a_long_text(file):
    overwrite(file, next(n for n in range(2, 10_000) if b"long " * 700 in page(file, n)))
    assert assert_saved(file, 1)[0] == 1


def test_repair_a_text_that_is_no_json_any_more(file):
    data = file.read_bytes()
    file.write_bytes(data.replace(b'{"message": "event 7"}', b'{"message": "event 7"7', 3))
    assert assert_saved(file, 3, reason="some rows of the table events are not valid JSON")[0] == 3


def test_repair_letters_that_are_none_do_not_stop_anything(file):
    file.write_bytes(file.read_bytes().replace(b'{"message": "event 7"}', b'{"message": "\xff\xfeent 7"}', 3))
    assert prepare_store(url_of(file)) is None
    _, events, _ = contents(file)
    assert len(set(EVENTS) - set(events)) == 3 and len(events) == len(EVENTS)


def test_repair_a_file_whose_second_half_is_gone(file):
    pages = file.stat().st_size // PAGE_BYTES
    gone = sum(cells(file, number) for number in pages_of_type(file, 0x0D) if number > pages // 2)
    overflown = sum(len(row.record) > PAGE_BYTES for row in TASKS)
    with file.open("r+b") as opened:
        opened.truncate(pages // 2 * PAGE_BYTES + 100)
    lost, _ = assert_saved(file, gone + overflown)
    assert 0 < lost < len(TASKS) + len(EVENTS)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "the file is empty"), (b"garbage " * 9999, "is not a database")]
)
def test_repair_a_file_without_any_row(file, content, reason):
    file.write_bytes(content)
    message = repaired(file)
    assert reason in message and "0 tasks (" in message
    assert contents(file) == ([], [], None)
    (old,) = file.parent.glob("rfuav.db.damaged-*[0-9]")
    assert old.read_bytes() == content


def test_repair_rows_that_were_deleted_stay_deleted(file):
    store = Store(url_of(file))
    store.write_tasks([row.id for row in TASKS[:1500]])
    store.delete_events([row.id for row in TASKS[:90]])
    store.close()
    overwrite(file, root_of(file, "events"))
    message = repaired(file)
    tasks, events, _ = contents(file)
    assert "was damaged" in message
    assert tasks == TASKS[1500:] and sorted(events) == sorted(EVENTS[90 * 200 :])


def test_repair_a_repair_that_was_interrupted_is_gone_on_with(file, monkeypatch):
    def killed(damaged, target):
        raise KeyboardInterrupt

    overwrite(file, root_of(file, "events"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(store_repair, "replace", killed)
        prepare_store(url_of(file))
    repaired = file.with_name("rfuav.db.repaired")
    assert repaired.exists()
    # Killed with the old file already out of its place.
    file.rename(file.with_name("rfuav.db.damaged-earlier"))
    assert prepare_store(url_of(file)) is None
    assert [len(part) for part in contents(file)] == [len(TASKS), len(EVENTS), 1]
    assert not repaired.exists()


def test_repair_a_damage_that_appears_while_the_service_runs_is_said(file):
    overwrite(file, root_of(file, "events"))
    store = Store(url_of(file))
    with pytest.raises(Exception, match=r"cannot be read: database disk image is malformed\. Restart the service"):
        store.last_events(["task-1"])
    store.close()


@pytest.fixture
def crashed(file, tmp_path):
    """A file whose newest rows are only in its write-ahead log, as a killed service leaves it."""
    store = Store(url_of(file))
    for sequence in range(201, 211):
        store.append_events([an_event("task-1", sequence)])
    left = tmp_path / "crashed" / "rfuav.db"
    left.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{file}{suffix}", f"{left}{suffix}")
    store.close()
    return left


def last_sequence(file):
    store = Store(url_of(file))
    sequence, _ = store.last_events(["task-1"])["task-1"]
    store.close()
    return sequence


@pytest.mark.parametrize("garbage", [b"", b"\xa5" * 10_000])
def test_repair_a_log_that_was_torn_loses_only_what_nobody_was_told(crashed, garbage):
    log = crashed.with_name("rfuav.db-wal")
    log.write_bytes(log.read_bytes()[: -PAGE_BYTES // 2] + garbage)
    assert prepare_store(url_of(crashed)) is None
    assert last_sequence(crashed) == 209


@pytest.mark.parametrize("damage", ["first page", "root page", "torn log"])
def test_repair_rows_in_the_log_of_a_damaged_file_are_saved(crashed, damage):
    log = crashed.with_name("rfuav.db-wal")
    if damage == "torn log":
        log.write_bytes(log.read_bytes()[: -PAGE_BYTES // 2])
    overwrite(crashed, root_of_events(crashed) if damage == "root page" else 1)
    assert "was damaged" in repaired(crashed)
    assert last_sequence(crashed) == (209 if damage == "torn log" else 210)
    assert len(contents(crashed)[1]) == len(EVENTS) + (9 if damage == "torn log" else 10)


def root_of_events(crashed):
    with closing(sqlite3.connect(f"file:{crashed}?immutable=1", uri=True)) as connection:
        return connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()[0]


@pytest.mark.parametrize("is_there", [True, False])
def test_repair_a_log_is_read_though_its_file_has_lost_its_content(file, tmp_path, is_there):
    left = tmp_path / "crashed.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; VACUUM")
        shutil.copy(f"{file}-wal", f"{left}-wal")
    if is_there:
        left.touch()
    message = repaired(left)
    assert ("the file is empty" if is_there else "the file is missing") in message
    tasks, events, _ = contents(left)
    assert tasks == TASKS and sorted(events) == sorted(EVENTS)
