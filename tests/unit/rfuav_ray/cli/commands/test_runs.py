from pathlib import Path

import pytest
import yaml

from tests.support.fake_service import (
    answer,
    event,
    free_url,
    last_event,
    refuse,
    stream,
    task,
)

TRAIN = [
    "train",
    "--model",
    "resnet18",
    "--num-classes",
    "2",
    "--train-path",
    "a",
    "--val-path",
    "b",
    "--save-path",
    "c",
]
INFER = ["infer", "--cfg", "m.yaml", "--weights", "m.pth"]
STARTED = task(status="pending", progress=0)
METRICS = {"epoch": 2, "total_epochs": 2, "train_loss": 0.25, "val_acc": 93.125, "macro_f1": 0.9}
RESULT = {
    "save_path": "/results/run",
    "best_epoch": 1,
    "best_acc": 95.0,
    "files": {"best_model": "/results/run/best_model.pth", "curves": "/results/run/curves.png"},
}
PREDICTIONS = {
    "task_id": "t1",
    "model": "resnet18",
    "total": 12,
    "offset": 0,
    "limit": 10,
    "predictions": [
        {"file": "a/[1].png", "frame": None, "class_name": "drone", "class_index": 0, "probability": 0.987654},
        {"file": "b.iq", "frame": 3, "class_name": "remote", "class_index": 1, "probability": 0.5},
    ],
}
INFERENCE_RESULT = {
    "save_path": "/results/t1",
    "predictions_csv": "/results/t1/predictions.csv",
    "predictions_json": "/results/t1/predictions.json",
    "predictions_jsonl": "/results/t1/predictions.jsonl",
    "images": 12,
    "classes": {"remote": 3, "drone": 9},
}


def trains(service, *log, **final):
    service.on("POST /api/v2/training/start", STARTED)
    service.on("GET /api/v2/tasks/t1/logs", stream(*log, last_event(9, final.get("status", "completed"))))
    service.on("GET /api/v2/tasks/t1", task(**final))


# train


def test_runs_a_training_is_followed_to_its_figures_and_files(service, rfuav, tmp_path):
    trains(service, event(1, "[epoch 1] loss 0.3"), latest_metrics=METRICS, result=RESULT)
    status, out, err = rfuav(*TRAIN, "--batch-size", "4", "--no-shuffle")
    assert (status, err) == (0, "")
    assert service.requests[0].body == {
        "model": "resnet18",
        "num_classes": 2,
        "train_path": str(tmp_path / "a"),
        "val_path": str(tmp_path / "b"),
        "save_path": str(tmp_path / "c"),
        "batch_size": 4,
        "shuffle": False,
    }
    assert "INFO    [epoch 1] loss 0.3\n" in out
    for text in (
        "Task t1",
        "val_acc",
        "93.125",
        "/results/run/best_model.pth",
        "/results/run/curves.png",
        "epoch 1",
    ):
        assert text in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("count", "line"), [(0, ""), (1, "1 warning: see the line"), (2, "2 warnings: see the lines")]
)
@pytest.mark.parametrize("status", ["completed", "failed"])
def test_runs_following_ends_with_the_number_of_warnings(service, rfuav, count, line, status):
    log = [event(number, f"odd file {number}", level="WARNING") for number in range(1, count + 1)]
    trains(service, *log, status=status, error="why", latest_metrics=METRICS, result=RESULT)
    code, out, _ = rfuav(*TRAIN)
    assert code == int(status == "failed")
    last = out.splitlines()[-1]
    assert last == (f"{line} marked WARNING above." if count else last)
    assert ("warning" in out.splitlines()[-1]) == bool(count)
    assert all(f"WARNING odd file {number}\n" in out for number in range(1, count + 1))


def test_runs_a_followed_log_ends_with_the_number_of_its_warnings(service, rfuav):
    service.on("GET /api/v2/tasks/t1/logs", stream(event(1, "odd", level="WARNING"), last_event(2)))
    assert rfuav("logs", "-f", "t1")[1].splitlines()[-1] == "1 warning: see the line marked WARNING above."


def test_runs_a_long_line_is_not_cut_in_a_pipe(service, rfuav):
    message = "word " * 200 + "end"
    trains(service, event(1, message))
    assert f"{message}\n" in rfuav(*TRAIN)[1]


def test_runs_flags_win_over_the_config(service, rfuav, tmp_path):
    trains(service)
    fields = {"model": "resnet50", "num_classes": 3, "train_path": "x", "val_path": "y", "save_path": "z"}
    Path("run.yaml").write_text(yaml.safe_dump(fields))
    assert rfuav("train", "--config", "run.yaml", "--model", "resnet18", "--priority", 1)[0] == 0
    body = service.requests[0].body
    assert (body["model"], body["num_classes"], body["priority"]) == ("resnet18", 3, 1)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_runs_a_training_that_did_not_complete_is_exit_1(service, rfuav, status):
    trains(service, status=status, error="No space left on the device.", message="Ended.")
    code, _, err = rfuav(*TRAIN)
    assert code == 1
    assert err == f"Error: task t1 {status}: No space left on the device.\n"


def test_runs_detach_prints_the_id_alone(service, rfuav):
    service.on("POST /api/v2/training/start", STARTED)
    assert rfuav(*TRAIN, "--detach") == (0, "t1\n", "")
    assert len(service.requests) == 1


def test_runs_a_refusal_is_one_line(service, rfuav):
    errors = [{"field": "train_path", "message": "there is no folder '/a'."}]
    service.on("POST /api/v2/training/start", refuse(422, "The request is not valid.", errors=errors))
    code, out, err = rfuav(*TRAIN)
    assert (code, out) == (1, "")
    assert err == "Error: The request is not valid. train_path: there is no folder '/a'. (HTTP 422)\n"


def test_runs_bad_fields_are_refused_before_anything_is_sent(service, rfuav):
    code, _, err = rfuav("train", "--model", "resnet18", "--num-classes", 0, "--train-path", "a")
    assert code == 2
    assert "num_classes: " in err
    assert "val_path: is missing" in err
    assert service.requests == []


@pytest.mark.parametrize(
    "flags", [["--local", "--detach"], ["--resume"], ["--epochs", "3"], ["--priority", "high"]]
)
def test_runs_wrong_usage_is_exit_2(service, rfuav, flags):
    assert rfuav(*TRAIN, *flags)[0] == 2
    assert service.requests == []


def test_runs_a_service_that_is_not_there_is_one_line(rfuav, monkeypatch):
    monkeypatch.delenv("RFUAV_URL", raising=False)
    url = free_url()
    for command in (TRAIN, ["tasks"], ["logs", "t1"], ["cancel", "t1"]):
        code, _, err = rfuav("--url", url, *command)
        assert code == 1
        assert err.startswith(f"Error: No service answers at {url}")
        assert err.count("\n") == 1


def test_runs_the_key_comes_from_the_environment_or_the_flag(service, rfuav, monkeypatch):
    service.on("GET /api/v2/tasks", {})
    monkeypatch.setenv("RFUAV_API_KEY", "from-env")
    rfuav("tasks", "--json")
    rfuav("--api-key", "from-flag", "tasks", "--json")
    keys = [request.headers["Authorization"] for request in service.requests]
    assert keys == ["Bearer from-env", "Bearer from-flag"]


def test_runs_ctrl_c_leaves_the_training_alone(service, interrupted_rfuav):
    service.on("POST /api/v2/training/start", STARTED)
    service.on("GET /api/v2/tasks/t1/logs", service.hang(event(1, "epoch 1")))
    status, lines, rest, err = interrupted_rfuav(*TRAIN)
    assert "Task t1" in lines and "epoch 1" in lines
    assert (status, rest) == (130, "")
    assert "continues" in err
    assert "rfuav logs -f t1" in err
    assert "rfuav cancel t1" in err
    assert "Traceback" not in err
    assert service.routes() == ["POST /api/v2/training/start", "GET /api/v2/tasks/t1/logs"]


# infer


def infers(service, *task_ids):
    service.on("POST /api/v2/inference/start", task(task_ids[0], task_type="inference", status="pending"))
    service.on("POST /api/v2/inference/batch", {"status": "success", "task_ids": task_ids, "total": len(task_ids)})
    for task_id in task_ids:
        service.on(f"GET /api/v2/tasks/{task_id}/logs", stream(event(1, f"12 images of {task_id}"), last_event(2)))
        service.on(f"GET /api/v2/tasks/{task_id}", task(task_id, task_type="inference", result=INFERENCE_RESULT))
        service.on(f"GET /api/v2/inference/{task_id}/results", PREDICTIONS)


def test_runs_an_inference_ends_with_rows_counts_and_files(service, rfuav, tmp_path):
    infers(service, "t1")
    status, out, err = rfuav(*INFER, "--source", "x", "--save-path", "/out", "--device", "cpu")
    assert (status, err) == (0, "")
    assert service.requests[0].body == {
        "cfg_path": str(tmp_path / "m.yaml"),
        "weight_path": str(tmp_path / "m.pth"),
        "source_path": str(tmp_path / "x"),
        "save_path": "/out",
        "device": "cpu",
    }
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for line in ("a/[1].png drone 0.988", "b.iq #3 remote 0.500", "… and 10 more", "drone 9", "remote 3"):
        assert line in lines
    assert lines.index("drone 9") < lines.index("remote 3")
    assert {f"/results/t1/predictions.{suffix}" for suffix in ("csv", "json", "jsonl")} <= set(lines)


def test_runs_several_sources_are_one_batch(service, rfuav, tmp_path):
    infers(service, "t1", "t2")
    status, out, _ = rfuav(*INFER, "--source", "x", "--source", "y", "--save-path", "out")
    assert status == 0
    assert service.requests[0].route == "POST /api/v2/inference/batch"
    body = service.requests[0].body
    assert body["source_paths"] == [str(tmp_path / "x"), str(tmp_path / "y")]
    assert body["save_base_path"] == str(tmp_path / "out")
    assert out.index("12 images of t1") < out.index("12 images of t2")


def test_runs_one_failure_in_a_batch_is_exit_1_but_the_rest_is_shown(service, rfuav):
    infers(service, "t1", "t2")
    service.on("GET /api/v2/tasks/t1", task("t1", status="failed", error="unreadable"))
    status, out, err = rfuav(*INFER, "--source", "x", "--source", "y")
    assert status == 1
    assert err == "Error: task t1 failed: unreadable\n"
    assert "predictions.csv" in out


def test_runs_a_detached_batch_prints_its_ids(service, rfuav):
    infers(service, "t1", "t2")
    assert rfuav(*INFER, "--source", "x", "--source", "y", "--detach") == (0, "t1\nt2\n", "")


def test_runs_an_inference_without_a_source_is_refused(service, rfuav):
    code, _, err = rfuav(*INFER)
    assert (code, err) == (2, "Error: source_path: is missing\n")
    assert service.requests == []


# logs, cancel


def test_runs_logs_print_what_there_is(service, rfuav):
    entries = [
        {"timestamp": "2026-01-01T12:00:00Z", "level": "INFO", "message": "one"},
        {"level": "WARNING", "message": "[bold]two[/bold]"},
    ]
    service.on("GET /api/v2/tasks/t1/logs", entries)
    status, out, _ = rfuav("logs", "t1")
    assert status == 0
    assert [line[9:] for line in out.splitlines()] == ["INFO    one", "WARNING [bold]two[/bold]"]


@pytest.mark.parametrize("flag", ["-f", "--follow"])
def test_runs_logs_follow_to_the_end(service, rfuav, flag):
    service.on("GET /api/v2/tasks/t1/logs", stream(event(1, "one"), last_event(2, "failed")))
    status, out, _ = rfuav("logs", "t1", flag)
    assert status == 0
    assert [line[9:] for line in out.splitlines()] == ["INFO    one", "INFO    Task failed."]


@pytest.mark.parametrize("command", [["logs"], ["logs", "-f"], ["cancel"]])
def test_runs_unknown_tasks_are_one_line(service, rfuav, command):
    for task_id, reply in (("t1", refuse(404, "There is no task 't1'.")), ("..", answer({}))):
        service.on("GET /api/v2/tasks/t1/logs", reply)
        service.on("POST /api/v2/tasks/t1/cancel", reply)
        code, out, err = rfuav(*command, task_id)
        assert (code, out) == (1, "")
        assert err.startswith(f"Error: There is no task '{task_id}'.")


def test_runs_cancel_goes_on_after_a_refusal(service, rfuav):
    service.on("POST /api/v2/tasks/t1/cancel", refuse(409, "Task 't1' has ended."))
    service.on("POST /api/v2/tasks/t2/cancel", {"status": "success", "message": "Stopping t2.", "task_id": "t2"})
    assert rfuav("cancel", "t1", "t2") == (1, "Stopping t2.\n", "Error: Task 't1' has ended. (HTTP 409)\n")
    assert rfuav("cancel", "t2") == (0, "Stopping t2.\n", "")
