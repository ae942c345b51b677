import errno
import fcntl
import logging
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from serve_app.access.audit_log import FILE, OLDER, AuditLog, entries


def numbers(folder, **chosen):
    return [entry["number"] for entry in entries(folder, **chosen)]


def test_audit_log_is_appended_to_by_several_and_read_by_the_owner(tmp_path):
    for number in range(4):
        AuditLog(tmp_path).write(number=number, key="ann" if number % 2 else None)
    assert numbers(tmp_path) == [0, 1, 2, 3] and numbers(tmp_path, key="ann") == [1, 3]
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_audit_log_a_full_file_is_kept_and_a_new_one_begun(tmp_path):
    logs = [AuditLog(tmp_path, max_bytes=300) for _ in range(3)]
    for number in range(60):
        logs[number % 3].write(number=number, key=None)
    assert numbers(tmp_path) == list(range(60))
    older = list(tmp_path.glob(OLDER))
    assert len(older) > 5 and all(file.stat().st_size < 500 for file in [*older, tmp_path / FILE])


def test_audit_log_loses_no_line_when_another_replica_was_faster_to_begin_a_file(tmp_path, monkeypatch, caplog):
    log = AuditLog(tmp_path, max_bytes=10)
    log.write(number=1, key=None)
    path = tmp_path / FILE

    def wait_for_the_other(_file, _how):
        """It has moved the full file away, and made no new one yet."""
        path.rename(tmp_path / "audit-2026.jsonl")

    monkeypatch.setattr(fcntl, "flock", wait_for_the_other)
    log.write(number=2, key=None)
    assert numbers(tmp_path) == [1, 2] and not caplog.text


def test_audit_log_a_file_that_cannot_be_moved_holds_up_no_other_replica(tmp_path, monkeypatch):
    first, second = (AuditLog(tmp_path, max_bytes=10) for _ in range(2))
    first.write(number=1, key=None)
    with monkeypatch.context() as full:
        full.setattr(type(tmp_path), "rename", no_room)
        first.write(number=2, key=None)
    second.write(number=3, key=None)  # It would wait for the lock of the first.
    assert numbers(tmp_path) == [1, 3]


def no_room(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_audit_log_the_next_line_says_how_many_were_lost(tmp_path):
    log = AuditLog(tmp_path)
    (tmp_path / FILE).mkdir()
    for number in range(3):
        log.write(number=number, key=None)
    (tmp_path / FILE).rmdir()
    log.write(number=3, key=None)
    log.write(number=4, key=None)
    assert [(entry["number"], entry.get("lost_before")) for entry in entries(tmp_path)] == [(3, 3), (4, None)]


def test_audit_log_goes_on_after_its_file_was_moved_or_deleted(tmp_path):
    log = AuditLog(tmp_path)
    log.write(number=1, key=None)
    (tmp_path / FILE).rename(tmp_path / "audit-moved.jsonl")
    log.write(number=2, key=None)
    (tmp_path / FILE).unlink()
    log.write(number=3, key=None)
    assert numbers(tmp_path) == [1, 3]


def test_audit_log_is_chosen_by_time_and_cut_lines_are_left_out(tmp_path):
    AuditLog(tmp_path).write(number=1, key=None)
    with (tmp_path / FILE).open("a") as file:
        file.write('{"time": "2026-01-01T00:00", "path": "/{\\"time\\": ')
    # The next line is behind the cut one.
    AuditLog(tmp_path).write(number=2, key=None, path='/{"time": "forged"}')
    now = datetime.now(UTC)
    assert numbers(tmp_path, since=now - timedelta(hours=1)) == [1, 2]
    assert numbers(tmp_path, since=now + timedelta(hours=1)) == [] == numbers(tmp_path / "none")


@pytest.mark.parametrize("how", ["folder", "link", "pipe"])
def test_audit_log_what_cannot_be_written_is_told_once(tmp_path, caplog, how):
    target = tmp_path / "elsewhere"
    make = {"folder": Path.mkdir, "link": lambda path: path.symlink_to(target), "pipe": os.mkfifo}
    make[how](tmp_path / FILE)
    log = AuditLog(tmp_path)
    with caplog.at_level(logging.ERROR):
        log.write(number=1, key=None)
        log.write(number=2, key=None)
    assert caplog.text.count("lacks lines") == 1 and not target.exists()
