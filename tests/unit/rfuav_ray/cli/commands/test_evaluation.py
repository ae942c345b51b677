import pytest
import yaml

from rfuav_ray.api.results import AuditStats
from tests.support.evaluation_results import evaluation_result
from tests.support.fake_service import event, last_event, preprocessing, stream, task

EVALUATE = ["evaluate", "--cfg", "m.yaml", "--weights", "w.pth", "--data", "test"]
STATS: AuditStats = {
    "images": {"train": 80, "valid": 20},
    "classes": ["drone", "remote"],
    "duplicates": 3,
    "near_duplicates": 0,
    "recordings_on_both_sides": 2,
    "classes_that_are_one_recording": [],
    "baseline_accuracy": 0.98765,
    "chance": None,
    "unreadable": 0,
    "left_out": {".txt": 4},
    "imbalance": 1.5,
    "examples": {},
    "verdict": "leaks",
    "sentences": ["2 recordings are in train and valid."],
}


def answers(service, path, kind, result):
    """A task of this kind that completes so."""
    service.on(f"POST {path}", task(task_type=kind, status="pending"))
    service.on("GET /api/v2/tasks/t1/logs", stream(event(1, "begun"), last_event(9, "completed")))
    service.on("GET /api/v2/tasks/t1", task(task_type=kind, status="completed", result=result))


def lines(out):
    return [" ".join(line.split()) for line in out.splitlines()]


def test_evaluation_an_evaluation_is_followed_to_its_numbers(service, rfuav):
    answers(service, "/api/v2/evaluation/start", "evaluation", evaluation_result())
    status, out, err = rfuav(*EVALUATE)
    assert (status, err) == (0, "")
    shown = lines(out)
    assert "accuracy 0.9000 0.8500 to 0.9500" in shown
    assert "nll 0.3000" in shown  # without an interval
    assert "drone 0.900 0.800 0.847 50" in shown
    assert "-10 dB 0.500 0.400 to 0.600 0.450 20" in shown
    assert any(line.startswith("Calibration: temperature 1.500") for line in shown)
    assert any("5.0 % of the known are called unknown" in line for line in shown)
    assert "Verdict: clean" in shown and "Results: /out" in shown


@pytest.mark.parametrize(
    ("given", "sweep"),
    [
        ("-20:20:2", {"from": -20, "to": 20, "step": 2}),
        ("0:5:2.5:1e6", {"from": 0, "to": 5, "step": 2.5, "bandwidth_hz": 1e6}),
    ],
)
def test_evaluation_the_sweep_and_every_option_are_sent(service, rfuav, tmp_path, given, sweep):
    service.on("POST /api/v2/evaluation/start", task(status="pending"))
    options = ["--unknown", "u", "--calibrate", "--known-false-alarm", 0.1, "--no-group-by-recording"]
    status, out, err = rfuav(*EVALUATE, f"--snr-sweep={given}", *options, "--detach")
    assert (status, out.strip(), err) == (0, "t1", "")
    body = service.requests[0].body
    assert {name: value for name, value in body["snr_sweep"].items() if value is not None} == sweep
    assert body["data_path"] == str(tmp_path / "test") and body["unknown_path"] == str(tmp_path / "u")
    assert (body["calibrate"], body["known_false_alarm"], body["group_by_recording"]) == (True, 0.1, False)


@pytest.mark.parametrize("given", ["", "x", "1:2:y", "1:2:3:4:5"])
def test_evaluation_a_wrong_sweep_is_refused(service, rfuav, given):
    status, _, err = rfuav(*EVALUATE, f"--snr-sweep={given}")
    assert status == 2 and "FROM:TO:STEP" in err
    assert service.requests == []


def test_evaluation_a_sweep_of_too_many_ratios_is_refused(service, rfuav):
    status, _, err = rfuav(*EVALUATE, "--snr-sweep=-20:20:0.01")
    assert status != 0 and "at most 101" in err
    assert service.requests == []


def test_evaluation_a_config_file_may_hold_the_request(service, rfuav, tmp_path):
    service.on("POST /api/v2/evaluation/start", task(status="pending"))
    sweep = {"from": -4, "to": 4, "step": 4}
    fields = {"cfg_path": "/m.yaml", "weight_path": "/w.pth", "data_path": "/d", "snr_sweep": sweep}
    (tmp_path / "evaluation.yaml").write_text(yaml.safe_dump(fields))
    status, _, err = rfuav("evaluate", "--config", "evaluation.yaml", "--detach")
    assert (status, err) == (0, "")
    assert service.requests[0].body["snr_sweep"] == sweep


def test_evaluation_an_audit_is_followed_to_its_verdict(service, rfuav, tmp_path):
    result = {"save_path": "/out", "stats": STATS, "audit_json": "/out/audit.json"}
    answers(service, "/api/v2/preprocessing/audit", "audit", result)
    status, out, err = rfuav("audit", "data")
    assert (status, err) == (0, "")
    assert service.requests[0].body == {"dataset_path": str(tmp_path / "data")}
    shown = lines(out)
    assert {"images in train 80", "duplicates 3", "chance not known", "left out .txt 4"} <= set(shown)
    assert "baseline accuracy 0.9877" in shown
    assert shown[shown.index("Verdict: leaks") + 1] == "2 recordings are in train and valid."


def test_evaluation_an_audit_needs_a_data_set_or_two_parts(service, rfuav):
    service.on("POST /api/v2/preprocessing/audit", preprocessing(task_type="audit", status="pending"))
    status, _, err = rfuav("audit", "--train-path", "t", "--val-path", "v", "--detach")
    assert (status, err) == (0, "")
    status, _, err = rfuav("audit", "--train-path", "t")
    assert status != 0 and "set either dataset_path, or train_path and val_path" in err


@pytest.mark.parametrize("command", [EVALUATE, ["audit", "data"]])
def test_evaluation_without_a_service_they_need_a_folder(rfuav, command):
    status, _, err = rfuav(*command, "--local")
    assert status == 2 and "without a service there is no default" in err
    status, _, err = rfuav(*command, "--local", "--detach")
    assert status == 2 and "--detach needs a service" in err
