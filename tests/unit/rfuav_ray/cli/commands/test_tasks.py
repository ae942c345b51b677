"""`rfuav tasks`."""

import json

from tests.support.fake_service import (
    task,
)


def task_list(**kinds):
    names = ("training", "inference", "preprocessing")
    lists = {f"{name}_tasks": kinds.get(name, []) for name in names}
    return {**lists, **{f"total_{name}": len(kinds.get(name, [])) for name in names}}


def test_tasks_tasks_are_listed_newest_first_with_what_matters(service, rfuav):
    running = task(
        "night-run",
        status="running",
        progress=41.7,
        device="cuda:0",
        current_epoch=5,
        total_epochs=12,
        latest_metrics={"val_acc": 93.14},
        created_at="2026-01-01T12:00:00+00:00",
    )
    failed = task("f1", task_type="inference", status="failed", error="[oops]", created_at="2026-01-03T12:00:00Z")
    waiting = task("s1", task_type="split", status="pending", queue_position=2, created_at="2026-01-02T12:00:00Z")
    service.on("GET /api/v2/tasks", task_list(training=[running], inference=[failed], preprocessing=[waiting]))
    status, out, _ = rfuav("tasks")
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines[1:]] == ["f1", "s1", "night-run"]
    assert lines[1][1:3] == ["inference", "failed"]
    assert lines[1][-1] == "[oops]"
    assert " ".join(lines[2]).endswith("number 2 in the queue")
    assert " ".join(lines[3]).startswith("night-run training running 42 % cuda:0")
    assert " ".join(lines[3]).endswith("epoch 5/12, val acc 93.1 %")


def test_tasks_ids_and_reasons_are_never_cut_in_a_pipe(service, rfuav):
    failed = task("x" * 64, status="failed", error="reason " * 15 + "end")
    service.on("GET /api/v2/tasks", task_list(training=[failed]))
    out = rfuav("tasks")[1]
    assert "x" * 64 in out
    assert "reason end" in out


def test_tasks_tasks_are_filtered(service, rfuav):
    service.on("GET /api/v2/tasks", {**task_list(training=[task()]), "total_training": 7})
    out = rfuav("tasks", "--status", "failed", "--type", "crop", "--limit", "1")[1]
    assert service.requests[0].query == "status=failed&task_type=crop&limit=1&offset=0"
    assert "1 of 7" in out


def test_tasks_no_tasks_is_said(service, rfuav):
    service.on("GET /api/v2/tasks", task_list())
    assert rfuav("tasks") == (0, "No task matches.\n", "")


def test_tasks_tasks_as_json_are_the_services_answer(service, rfuav):
    listed = task_list(training=[task(description="夜间")])
    service.on("GET /api/v2/tasks", listed)
    out = rfuav("tasks", "--json")[1]
    assert json.loads(out) == listed
    assert "夜间" in out
