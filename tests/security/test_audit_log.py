"""The audit log of a running service."""

import json
import stat
import time

WRITTEN_WITHIN_S = 10


def until_now(condition):
    """A line is written when its answer is under way."""
    deadline_s = time.monotonic() + WRITTEN_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline_s


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
