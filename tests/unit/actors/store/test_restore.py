"""Real damage to real files: the service starts with the newest good backup, and says what may be missing."""

import logging
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from actors.store.backup import back_up, backup_folder, backups
from actors.store.setup import prepare_store
from actors.store.store import Store
from rfuav_ray.errors import RfuavError, ServiceBusy
from tests.support import damaged_files
from tests.support.damaged_files import (
    EVENTS,
    TASKS,
    add,
    contents,
    leave_log,
    log_of,
    make_store,
    overwrite_middle,
    restore,
    url_of,
)
from tests.support.sample_tasks import a_row
from tests.support.small_disk import FILLER, fill, mounting

OLDER, NEWER = "20260101T080000Z", "20260101T090000Z"
LATER = [a_row(1000), a_row(1001)]


def a_backup(file, moment):
    return back_up(file).rename(backup_folder(file) / f"rfuav-{moment}.db")


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A store with two backups; the first task of LATER came between them, the second one after them."""
    folder = tmp_path_factory.mktemp("sound")
    file = folder / "rfuav.db"
    make_store(file)
    a_backup(file, OLDER)
    add(file, LATER[:1])
    a_backup(file, NEWER)
    add(file, LATER[1:])
    return folder


@pytest.fixture
def file(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "state")
    return tmp_path / "state" / "rfuav.db"


def assert_restored(file, message, moment="2026-01-01 09:00:00", tasks=(*TASKS, LATER[0])):
    """The backup is in its place, and the next start finds nothing to say."""
    assert f"The backup of {moment} UTC took its place. Tasks and log entries written after that moment" in message
    assert contents(file) == (list(tasks), EVENTS)
    assert prepare_store(url_of(file)) is None
    names = {found.name for found in file.parent.iterdir() if not found.name.startswith("rfuav.db.damaged-")}
    assert names <= {"rfuav.db", "rfuav.db-wal", "rfuav.db-shm", "backups"}


@pytest.mark.parametrize(
    "damage",
    [
        overwrite_middle,
        damaged_files.truncate,
        lambda file: damaged_files.overwrite(file, 1),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"garbage " * 9999),
    ],
)
def test_restore_the_newest_backup_takes_the_place_of_a_damaged_file(file, damage, caplog):
    damage(file)
    damaged = file.read_bytes()
    with caplog.at_level(logging.ERROR, "actors.store.restore"):
        message = restore(file)
    assert message.startswith(f"The task store '{file}' was damaged (") and message in caplog.text
    assert_restored(file, message)
    (old,) = file.parent.glob("rfuav.db.damaged-*Z")
    assert f"'{old}*'" in message and old.read_bytes() == damaged


@pytest.mark.parametrize("is_there", [True, False])
def test_restore_a_log_whose_file_is_lost_is_kept_too(file, tmp_path, is_there):
    left = leave_log(file, tmp_path / "killed")
    shutil.copytree(backup_folder(file), backup_folder(left))
    log = log_of(left).read_bytes()
    left.write_bytes(b"") if is_there else left.unlink()
    message = restore(left)
    assert ("the file is empty" if is_there else "the file is missing") in message
    assert_restored(left, message)
    (old,) = left.parent.glob("rfuav.db.damaged-*-wal")
    assert old.read_bytes() == log


def test_restore_a_damaged_backup_is_passed_over(file, caplog):
    overwrite_middle(file)
    newest = backups(file)[-1]
    overwrite_middle(newest)
    message = restore(file)
    assert_restored(file, message, "2026-01-01 08:00:00", TASKS)
    assert f"the backup '{newest}' is damaged, too" in caplog.text and newest.exists()


@pytest.mark.parametrize("are_damaged", [True, False])
def test_restore_without_a_good_backup_the_store_is_new_and_the_loss_is_said(file, are_damaged):
    overwrite_middle(file)
    damaged = file.read_bytes()
    for backup in backups(file):
        backup.write_bytes(b"") if are_damaged else backup.unlink()
    message = restore(file)
    assert f"no undamaged backup in '{backup_folder(file)}', so a new, empty store took its place" in message
    assert "All earlier tasks and their logs are missing" in message and "output folders" in message
    assert contents(file) == ([], [])
    (old,) = file.parent.glob("rfuav.db.damaged-*Z")
    assert old.read_bytes() == damaged
    assert prepare_store(url_of(file)) is None


@pytest.mark.parametrize("has_backup", [True, False])
@pytest.mark.parametrize("step", range(1, 5))
def test_restore_the_next_start_does_the_rest_of_one_that_was_killed(
    file, tmp_path, monkeypatch, step, has_backup
):
    left = leave_log(file, tmp_path / "killed")
    damaged_files.overwrite(left, 1)
    damaged = [left.read_bytes(), log_of(left).read_bytes()]
    if has_backup:
        shutil.copytree(backup_folder(file), backup_folder(left))
    rename, steps = Path.rename, []

    def rename_or_die(path, target):
        steps.append(path)
        if len(steps) == step:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
        patch.setattr(Path, "rename", rename_or_die)
        prepare_store(url_of(left))
    message = prepare_store(url_of(left))
    if has_backup:
        assert_restored(left, message)
    else:
        assert contents(left) == ([], [])
    kept, kept_log = sorted(left.parent.glob("rfuav.db.damaged-*"))
    assert kept_log == log_of(kept)
    assert [kept.read_bytes(), kept_log.read_bytes()] == damaged


def test_restore_a_full_disk_is_no_damage(tmp_path):
    with mounting(tmp_path / "disk") as mount:
        file = mount(4) / "rfuav.db"
        make_store(file)
        content = file.read_bytes()
        fill(file.parent)
        with pytest.raises((RfuavError, ServiceBusy)):
            prepare_store(url_of(file))
        (file.parent / FILLER).unlink()
        assert file.read_bytes() == content
        assert prepare_store(url_of(file)) is None
        assert contents(file) == (TASKS, EVENTS)


def test_restore_a_backup_that_does_not_fit_on_the_disk_waits_for_the_next_start(tmp_path):
    with mounting(tmp_path / "disk") as mount:
        file = mount(4) / "rfuav.db"
        make_store(file)
        a_backup(file, NEWER)
        damaged_files.overwrite(file, 1)
        fill(file.parent)
        with pytest.raises(RfuavError, match=r"cannot be copied to .* MB free"):
            prepare_store(url_of(file))
        (file.parent / FILLER).unlink()
        assert_restored(file, restore(file), tasks=TASKS)


def test_restore_a_damage_that_appears_while_the_service_runs_is_said(file):
    overwrite_middle(file)
    store = Store(url_of(file))
    with pytest.raises(Exception, match=r"cannot be read: database disk image is malformed\. Restart the service"):
        for row in TASKS:
            store.read_events(row.id, 0, 1000)
        store.load_tasks()
    store.close()
