import logging
import stat
from datetime import UTC, datetime, timedelta

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


@pytest.mark.parametrize("how", ["folder", "link"])
def test_audit_log_what_cannot_be_written_is_told_once(tmp_path, caplog, how):
    target = tmp_path / "elsewhere"
    (tmp_path / FILE).symlink_to(target) if how == "link" else (tmp_path / FILE).mkdir()
    log = AuditLog(tmp_path)
    with caplog.at_level(logging.ERROR):
        log.write(number=1, key=None)
        log.write(number=2, key=None)
    assert caplog.text.count("lacks lines") == 1 and not target.exists()
