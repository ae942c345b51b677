import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from rfuav_ray.cli import app
from rfuav_ray.errors import RfuavError
from serve_app.access.audit_log import AuditLog
from serve_app.command.access import moment_of

NOW = datetime(2026, 5, 2, 12, tzinfo=UTC)


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RFUAV_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("RFUAV_API_KEYS_FILE", str(tmp_path / "keys.txt"))
    return lambda *words: CliRunner().invoke(app, words)


def test_access_a_key_is_printed_once_listed_and_removed(call, tmp_path):
    made = call("key", "new", "ann", "--scope", "write")
    assert made.exit_code == 0 and made.stdout.strip().startswith("rfuav_")
    assert made.stdout.strip() not in (tmp_path / "keys.txt").read_text()
    assert call("key", "list").stdout == "ann\twrite\n"
    assert call("key", "new", "ann").exit_code == 2
    assert call("key", "remove", "ann").exit_code == 0 and call("key", "list").stdout == ""


def test_access_a_file_must_be_named(call, monkeypatch, tmp_path):
    monkeypatch.delenv("RFUAV_API_KEYS_FILE")
    assert isinstance(call("key", "list").exception, RfuavError)
    assert call("key", "new", "ann", "--file", "other.txt").exit_code == 0
    assert (tmp_path / "other.txt").exists()


def test_access_the_audit_log_is_printed_without_control_characters(call, tmp_path):
    log = AuditLog(tmp_path / "state")
    log.write(key="ann", address="::1", method="POST", path="/a\x1b[31m\n", task_id="one", status=200)
    log.write(key=None, address="::1", method="POST", path="/b", task_ids=["a", "b"], status=401)
    log.write(key=None, address="::1", method="POST", path="/c", task_id=None, status=200, lost_before=7)
    lines = call("audit-log").stdout.splitlines()
    assert lines[0].endswith(" ann ::1 POST /a\\u001b[31m\\n 200 one") and lines[1].endswith(
        " - ::1 POST /b 401 a b"
    )
    assert lines[2].endswith(" - ::1 POST /c 200 - (7 lines before it were lost)")
    assert [
        json.loads(line)["key"] for line in call("audit-log", "--json", "--key", "ann").stdout.splitlines()
    ] == ["ann"]
    assert call("audit-log", "--since", "soon").exit_code == call("audit-log", "--since", "999999d").exit_code == 2


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-05-01T08:00", datetime(2026, 5, 1, 8, tzinfo=UTC)),
        ("2026-05-01T08:00+02:00", datetime(2026, 5, 1, 6, tzinfo=UTC)),
    ],
)
def test_access_since(text, moment):
    assert moment_of(text, NOW) == moment
