"""What counts as damage to a database file, and what does not."""

import pytest

from actors.store.setup import prepare_store
from actors.store.sqlite_files import find_damage
from actors.store.store import Store
from tests.support import damaged_files
from tests.support.damaged_files import PAGE_BYTES, contents, leave_log, log_of, make_store, url_of


@pytest.fixture
def file(tmp_path):
    make_store(tmp_path / "rfuav.db")
    return tmp_path / "rfuav.db"


def replace_bytes(file, old, new):
    file.write_bytes(file.read_bytes().replace(old, new, 3))


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (damaged_files.overwrite_middle, ""),
        (damaged_files.truncate, ""),
        (lambda file: damaged_files.overwrite(file, 1, 50), "file is not a database"),
        (lambda file: file.write_bytes(b"garbage " * 9999), "file is not a database"),
        (lambda file: file.write_bytes(b""), "the file is empty"),
        (
            lambda file: replace_bytes(file, b'{"message": "event 7"}', b'{"message": "event 7"7'),
            "some rows of the table events are not valid JSON",
        ),
    ],
)
def test_sqlite_files_damage_is_found_and_described(file, damage, found):
    assert find_damage(file) is None
    damage(file)
    description = find_damage(file)
    assert description is not None and found in description


def test_sqlite_files_a_file_that_does_not_exist_yet_is_undamaged_and_not_made(tmp_path):
    assert find_damage(tmp_path / "rfuav.db") is None
    assert list(tmp_path.iterdir()) == []


def test_sqlite_files_letters_that_are_none_are_no_damage(file):
    replace_bytes(file, b'{"message": "event 7"}', b'{"message": "\xff\xfeent 7"}')
    assert find_damage(file) is None
    assert len(Store(url_of(file)).read_events("task-1", 0, 1000)) == 200


@pytest.mark.parametrize("garbage", [b"", b"\xa5" * 10_000])
def test_sqlite_files_a_torn_log_is_no_damage_and_loses_only_what_nobody_was_told(file, tmp_path, garbage):
    left = leave_log(file, tmp_path / "killed")
    log = log_of(left)
    log.write_bytes(log.read_bytes()[: -PAGE_BYTES // 2] + garbage)
    assert prepare_store(url_of(left)) is None
    assert max(event.sequence for event in contents(left)[1] if event.task_id == "task-1") == 209


@pytest.mark.parametrize("is_there", [True, False])
def test_sqlite_files_a_log_without_the_content_of_its_file_is_left_alone(file, tmp_path, is_there):
    left = leave_log(file, tmp_path / "killed")
    log = log_of(left).read_bytes()
    left.write_bytes(b"") if is_there else left.unlink()
    assert find_damage(left) == (
        "the file is empty" if is_there else "the file is missing, but its write-ahead log exists"
    )
    assert log_of(left).read_bytes() == log
