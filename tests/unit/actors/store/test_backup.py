"""Backups of a SQLite store that is being written, and what becomes of the older ones."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import pytest

from actors.store.backup import KEPT, back_up, backup_folder, backups, moment_of
from actors.store.setup import prepare_store
from actors.store.store import Store
from rfuav_ray.errors import RfuavError
from tests.support.damaged_files import EVENTS, TASKS, contents, make_store, overwrite_middle, url_of
from tests.support.sample_tasks import a_row
from tests.support.small_disk import fill, mounting


@pytest.fixture
def file(tmp_path):
    make_store(tmp_path / "rfuav.db")
    return tmp_path / "rfuav.db"


@pytest.fixture
def mount(tmp_path):
    with mounting(tmp_path / "disk") as mount:
        yield mount


def names(file):
    return sorted(found.name for found in backup_folder(file).iterdir())


def test_backup_a_backup_has_what_was_written_before_it(file):
    store = Store(url_of(file))
    store.commit([a_row(1000)], [], [])  # only in the write-ahead log: the store stays open
    before = datetime.now(UTC).replace(microsecond=0)
    backup = back_up(file)
    store.commit([a_row(1001)], [], [])
    store.close()
    assert before <= moment_of(backup) <= datetime.now(UTC)
    assert names(file) == [backup.name]  # a single file
    tasks, events = contents(backup)
    assert [row.id for row in tasks] == [row.id for row in TASKS] + ["task-1000"] and events == EVENTS


def test_backup_writers_do_not_wait_for_it(file, monkeypatch):
    # A writer that found the file locked would fail at once.
    monkeypatch.setattr("actors.store.database.BUSY_TIMEOUT_MS", 0)
    store = Store(url_of(file))

    def write():
        for number in range(1000, 1200):
            store.commit([a_row(number)], [], [])

    with ThreadPoolExecutor() as threads:
        writing = threads.submit(write)
        while not writing.done():
            back_up(file)
        writing.result()
    store.close()
    assert len(contents(file)[0]) == len(TASKS) + 200


def test_backup_the_newest_ones_are_kept(file):
    folder = backup_folder(file)
    folder.mkdir()
    old = [f"rfuav-20260101T{number:06}Z.db" for number in range(KEPT + 3)]
    others = ["rfuav-before.db", "rfuav-lastweekTmondayZ.db", "other-20200101T000000Z.db"]
    for name in [*old, *others]:
        (folder / name).touch()
    backup = back_up(file)
    assert [found.name for found in backups(file)] == [*old[4:], backup.name]
    assert set(others) < set(names(file))


def test_backup_what_a_killed_service_left_is_removed(file):
    backup = back_up(file)
    unfinished = backup_folder(file) / "unfinished-rfuav-20260101T000000Z.db"
    for suffix in ("", "-journal"):
        unfinished.with_name(unfinished.name + suffix).touch()
    assert backups(file) == [backup]
    back_up(file)
    assert not any("unfinished" in name for name in names(file))


def test_backup_a_damaged_file_displaces_no_backup(file):
    kept = [f"rfuav-20260101T{number:06}Z.db" for number in range(KEPT)]
    backup_folder(file).mkdir()
    for name in kept:
        (backup_folder(file) / name).touch()
    overwrite_middle(file)
    with pytest.raises(RfuavError, match=rf"'{file}' is damaged: .*\. Restart the service: it restores"):
        back_up(file)
    assert names(file) == kept


def test_backup_a_full_disk_is_said_and_leaves_the_older_ones(mount):
    file = mount(4) / "rfuav.db"
    make_store(file)
    kept = back_up(file)
    fill(file.parent)
    with pytest.raises(RfuavError, match=r"cannot be copied to .* MB free"):
        back_up(file)
    assert names(file) == [kept.name]


def test_backup_a_folder_that_cannot_be_made_is_said(file):
    backup_folder(file).touch()
    with pytest.raises(RfuavError, match=r"Backups cannot be kept in '.*backups': .*exists"):
        back_up(file)


def test_backup_a_file_may_have_any_name(tmp_path):
    file = tmp_path / "odd [1]*-20260101T000000Z.sqlite"
    prepare_store(url_of(file))
    backup = back_up(file)
    assert backups(file) == [backup]
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (0,)
