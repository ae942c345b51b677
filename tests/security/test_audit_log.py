"""The audit log of a running service."""

import json
import os
import stat
from pathlib import Path

import pytest

from tests.security.conftest import WRITER, Keyed
from tests.support.small_disk import FILLER, fill, mounting
from tests.support.waiting import ask_until

WRITTEN_WITHIN_S = 10


def until_now(condition):
    """A line is written when its answer is under way."""
    ask_until(bool, condition, within_s=WRITTEN_WITHIN_S)


def lines(keyed):
    return [json.loads(line) for line in (keyed.state_dir / "audit.jsonl").read_text().splitlines()]


def ends_of(keyed, path):
    return [(line["key"], line["status"]) for line in lines(keyed) if line["path"] == path]


def test_audit_log_has_every_write_and_who_sent_it(keyed, as_nobody, as_reader, as_writer, training):
    answer = as_writer.post("/api/v2/training/start", json=training(task_id="audited")).json()
    assert answer["task_id"] == "audited"
    path = "/api/v2/tasks/audited/cancel"
    for http in (as_nobody, as_reader, as_writer):
        http.post(path)
    as_nobody.post("/api/v2/nowhere", headers={"X-API-Key": "wrong"})
    as_writer.get(path)
    until_now(lambda: len(ends_of(keyed, path)) == 3)
    assert ends_of(keyed, path) == [(None, 401), ("reader", 403), ("writer", 200)]
    until_now(lambda: (None, 401) in ends_of(keyed, "/api/v2/nowhere"))
    of_start = [line for line in lines(keyed) if line["task_id"] == "audited"]
    assert [line["path"] for line in of_start] == ["/api/v2/training/start", path]
    assert {line["address"] for line in of_start} == {"127.0.0.1"}
    assert not any(line["method"] in {"GET", "HEAD"} for line in lines(keyed))


def test_audit_log_is_the_operators_alone_and_has_a_command(keyed, as_writer):
    as_writer.post("/api/v2/tasks/none%1b%5b31m/cancel")
    path = keyed.state_dir / "audit.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    until_now(lambda: any("none" in line["path"] for line in lines(keyed)))
    printed = keyed.command("audit-log", "--since", "1h", "--key", "writer")
    assert "writer 127.0.0.1 POST /api/v2/tasks/none" in printed and "\x1b" not in printed
    assert keyed.command("audit-log", "--key", "nobody-has-it") == ""
    entries = keyed.command("audit-log", "--json").splitlines()
    assert all(json.loads(line)["time"] for line in entries)


def test_audit_log_a_sign_in_is_in_it_without_the_key(keyed, as_nobody):
    as_nobody.post("/api/v1/session", json={"key": "no-such-key"})
    until_now(lambda: (None, 401) in ends_of(keyed, "/api/v1/session"))
    assert "no-such-key" not in (keyed.state_dir / "audit.jsonl").read_text()


@pytest.mark.timeout(300)  # starts a service
def test_audit_log_on_a_full_disk_lacks_lines_and_says_how_many(root, tmp_path, training):
    folder = tmp_path / "service"
    folder.mkdir()
    with mounting(folder / "state") as mount:
        disk = mount(16)
        with Keyed(folder, root) as service:
            service.start()
            with service.http(WRITER) as http:
                task_id = http.post("/api/v2/training/start", json=training()).json()["task_id"]
                until_now(lambda: any(line["task_id"] == task_id for line in lines(service)))
                # Its last page may have room for some lines.
                fill(disk)
                while "lacks lines" not in service.app_log.read_text():
                    assert http.post("/api/v2/tasks/none/cancel").status_code == 404
                assert http.get("/api/v2/tasks").status_code == 200
                assert http.post(f"/api/v2/tasks/{task_id}/priority", json={"priority": 1}).status_code == 503
                (disk / FILLER).unlink()
                until_now(lambda: http.post("/api/v2/tasks/none/cancel") and has_counted(service))
            assert "lines before it were lost" in service.command("audit-log")


def has_counted(service):
    text = (service.state_dir / "audit.jsonl").read_text()
    return '"lost_before": ' in text


@pytest.mark.parametrize("in_its_place", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("elsewhere")])
def test_audit_log_that_cannot_be_written_refuses_nothing_and_goes_on_when_it_can(keyed, as_writer, in_its_place):
    path, kept = keyed.state_dir / "audit.jsonl", keyed.state_dir / "audit-kept.jsonl"
    as_writer.post("/api/v2/tasks/none/cancel")
    until_now(path.exists)
    path.rename(kept)
    path.unlink(missing_ok=True)  # A line may have come in between.
    in_its_place(path)
    for _ in range(8):
        assert as_writer.post("/api/v2/tasks/none/cancel").status_code == 404
    path.rmdir() if path.is_dir() else path.unlink()
    assert not (keyed.state_dir / "elsewhere").exists()
    until_now(lambda: as_writer.post("/api/v2/tasks/none/cancel") and path.exists() and has_counted(keyed))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept.unlink()
