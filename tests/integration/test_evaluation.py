"""An evaluation over HTTP: its numbers are those of scikit-learn, it is cancelled, bad requests are refused."""

import csv

import numpy as np
import pytest
from sklearn import metrics as sk

from rfuav_ray.client.service_errors import ServiceError
from tests.support.evaluation_runs import CLASSES, Evaluation, add_recording


@pytest.fixture(scope="module")
def evaluation(root):
    """A model, and recordings of which some are so weak that it errs."""
    folder = root / "evaluation"
    folder.mkdir()
    made = Evaluation(folder)
    for number, snr_db in enumerate((40, 35, -3, -4)):
        for label in (0, 1):
            add_recording(made.data, f"r{number}", label, snr_db=snr_db, seed=number)
    return made


@pytest.fixture
def start(client, evaluation):
    def start(**fields):
        fields = {"data_path": evaluation.data, "device": "cpu"} | fields
        return client.start_evaluation(
            evaluation.folder / "model.yaml", evaluation.folder / "weights.pth", **fields
        )

    return start


def test_evaluation_numbers_are_those_of_scikit_learn(client, evaluation, start):
    task = client.wait(start(save_path=evaluation.folder / "out")["task_id"], timeout=60)
    assert task["status"] == "completed", task
    report = client.get_evaluation_report(task["task_id"])
    with (evaluation.folder / "out" / "scores.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["part"] == "test"]
    labels = np.array([CLASSES.index(row["label"]) for row in rows])
    probabilities = np.array([[float(row[name]) for name in CLASSES] for row in rows])
    predicted = probabilities.argmax(axis=1)
    assert 0.5 < report["accuracy"] < 1
    expected = {
        "accuracy": sk.accuracy_score(labels, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
        "macro_f1": sk.f1_score(labels, predicted, average="macro"),
        "mAP": np.mean([sk.average_precision_score(labels == one, probabilities[:, one]) for one in (0, 1)]),
        "top3": 1.0,
        "nll": sk.log_loss(labels, probabilities, labels=[0, 1]),
    }
    assert {name: report[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert report["confusion_matrix"] == sk.confusion_matrix(labels, predicted).tolist()
    assert (report["n"], report["recordings"]) == (len(rows), 8)
    low, high = report["intervals"]["accuracy"]
    assert low < report["accuracy"] < high
    assert {name: task["result"][name] for name in report} == report
    assert client.get_evaluation(task["task_id"])["status"] == "completed"
    for key in ("report", "report_html", "scores", "confusion_matrix", "reliability"):
        assert key in task["result"]["files"]


def test_evaluation_a_sweep_and_a_calibrated_config(client, evaluation, start):
    out = evaluation.folder / "swept"
    sweep = {"from": -10, "to": 10, "step": 10}
    task = client.wait(start(save_path=out, snr_sweep=sweep, calibrate=True)["task_id"], timeout=60)
    assert task["status"] == "completed", task
    points = task["result"]["by_snr"]
    assert [point["snr_db"] for point in points] == [-10, 0, 10]
    assert points[0]["low"] <= 0.5 <= points[0]["high"] and points[0]["accuracy"] < points[-1]["accuracy"]
    assert task["result"]["warnings"] > 0
    messages = [one["message"] for one in client.get_logs(task["task_id"])]
    assert any("not clean enough" in message for message in messages)
    assert "threshold" in (out / "model.yaml").read_text() and (out / "snr.png").is_file()


def test_evaluation_is_cancelled(client, evaluation, start):
    task_id = start(save_path=evaluation.folder / "cut", snr_sweep={"from": -20, "to": 20, "step": 0.5})["task_id"]
    client.cancel_task(task_id)
    assert client.wait(task_id, timeout=60)["status"] == "cancelled"
    assert not (evaluation.folder / "cut" / "report.json").exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"data_path": "nowhere"}, "data_path"),
        ({"snr_sweep": {"from": 10, "to": 0}}, "snr_sweep"),
        ({"snr_sweep": {"step": 0.001}}, "snr_sweep"),
        ({"known_false_alarm": 1}, "known_false_alarm"),
        ({"layout": "other"}, "layout"),
        ({"unknown_path": "evaluation/data"}, "unknown_path"),
        ({"calibration_path": "evaluation/data"}, "calibration_path"),
        ({"save_path": "evaluation"}, "save_path"),
    ],
)
def test_evaluation_bad_requests_are_refused(start, fields, field):
    with pytest.raises(ServiceError) as refusal:
        start(**fields)
    assert refusal.value.status_code == 422 and field in str(refusal.value)
