"""An evaluation from files to numbers: scored, interrupted and resumed, by ratio, calibrated."""

import json
import shutil

import numpy as np
import pytest
from sklearn import metrics as sk

from rfuav_ray.errors import InvalidInput, RunCancelled, RunError, RunInterrupted, TaskConflict
from rfuav_ray.models.config import load_model_config
from rfuav_ray.signals.writers import write_sigmf
from tests.support.evaluation_runs import CLASSES, add_images, add_recording
from tests.support.interruptions import stopping_after
from tests.support.signals import noise

pytestmark = pytest.mark.usefixtures("one_thread", "empty_plots")

SWEEP = {"snr_sweep": {"from": -8, "to": 4, "step": 12}}


def recomputed(rows):
    """The headline numbers, from the rows of scores.csv by scikit-learn."""
    labels = np.array([CLASSES.index(row["label"]) for row in rows])
    probabilities = np.array([[float(row[name]) for name in CLASSES] for row in rows])
    predicted = probabilities.argmax(axis=1)
    return {
        "accuracy": sk.accuracy_score(labels, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted),
        "macro_f1": sk.f1_score(labels, predicted, average="macro"),
        "mAP": sk.average_precision_score(np.eye(2)[labels], probabilities, average="macro"),
        "nll": sk.log_loss(labels, probabilities, labels=[0, 1]),
    }


def test_run_numbers_are_those_of_the_scores(evaluation):
    for number, snr_db in enumerate((-6, -4, -2, 0)):
        for label in (0, 1):
            add_recording(evaluation.data, f"weak{number}", label, snr_db=snr_db, seed=20 + number)
    result = evaluation.evaluate()
    rows = [row for row in evaluation.scores() if row["part"] == "test"]
    assert 0.5 < result["accuracy"] < 1
    for name, value in recomputed(rows).items():
        assert result[name] == pytest.approx(value, abs=1e-9), name
    assert (result["n"], result["recordings"], result["top3"]) == (len(rows), 12, 1)
    assert (
        sum(map(sum, result["confusion_matrix"]))
        == sum(one["support"] for one in result["per_class"])
        == len(rows)
    )
    written = json.loads((evaluation.out / "report.json").read_text())
    assert {name: result[name] for name in written} == json.loads(json.dumps(written)) | {
        "intervals": result["intervals"]
    }


def test_run_a_sweep_and_folders_of_ratios_say_the_same(evaluation):
    swept = evaluation.evaluate(SWEEP)["by_snr"]
    rows = [row for row in evaluation.scores() if row["part"] == "sweep"]
    assert len(rows) == sum(point["n"] for point in swept) == 2 * 12
    evaluation.data, evaluation.out = evaluation.folder / "ratios", evaluation.folder / "out2"
    for snr_db in (-8, 4):
        for number in range(3):
            for label in (0, 1):
                seed = 1000 + 10 * snr_db + number
                add_recording(evaluation.data / f"{snr_db} dB", f"n{number}", label, snr_db=snr_db, seed=seed)
    by_folder = evaluation.evaluate()["by_snr"]
    assert [point["snr_db"] for point in swept] == [point["snr_db"] for point in by_folder] == [-8, 4]
    for one, other in zip(swept, by_folder, strict=True):
        assert one["low"] <= other["high"] and other["low"] <= one["high"]
    assert swept[0]["low"] <= 0.5 <= swept[0]["high"] and swept[-1]["accuracy"] == 1


def test_run_recordings_that_are_not_clean_are_named(evaluation):
    shutil.rmtree(evaluation.data)
    add_recording(evaluation.data, "r", 0, snr_db=12, seed=1)
    evaluation.evaluate({"snr_sweep": {"from": 20, "to": 20}})
    assert any("not clean enough for ratios up to 20 dB" in text for text in evaluation.messages("WARNING"))


def test_run_images_have_no_sweep(evaluation):
    shutil.rmtree(evaluation.data)
    add_images(evaluation.folder, "a", 0, snr_db=20, seed=1)
    shutil.move(evaluation.folder / CLASSES[0], evaluation.data / CLASSES[0])
    with pytest.raises(InvalidInput) as refusal:
        evaluation.evaluate(SWEEP)
    assert refusal.value.field == "snr_sweep"


def test_run_images_are_scored_by_recording(evaluation):
    shutil.rmtree(evaluation.data)
    for label in (0, 1):
        for number in range(2):
            add_images(evaluation.data, f"flight{number}", label, snr_db=20, seed=number)
    shutil.rmtree(evaluation.data / "recordings")
    result = evaluation.evaluate()
    assert (result["n"], result["recordings"], result["accuracy"]) == (12, 4, 1)
    assert any("No error was seen" in text for text in evaluation.messages())
    assert evaluation.evaluate({"group_by_recording": False})["recordings"] == 12


@pytest.mark.long
@pytest.mark.parametrize(("error", "batches"), [(RunInterrupted, 1), (KeyboardInterrupt, 4)])
def test_run_an_interrupted_one_goes_on_and_ends_as_if_nothing_had_been(evaluation, error, batches):
    options = {"run_id": "task", "batch_size": 8}
    whole = evaluation.evaluate(SWEEP, **options)
    rows = (evaluation.out / "scores.csv").read_text()
    evaluation.out = evaluation.folder / "again"
    with pytest.raises(error):
        evaluation.evaluate(SWEEP, report=stopping_after(batches, error), **options)
    evaluation.events.clear()
    result = evaluation.evaluate(SWEEP, resume=True, **options)
    assert any(f"Resuming after {8 * batches} of" in text for text in evaluation.messages())
    assert (evaluation.out / "scores.csv").read_text() == rows
    assert result == whole | {"save_path": result["save_path"], "files": result["files"]}
    assert not [path for path in evaluation.out.iterdir() if path.name.startswith(".predictions")]


@pytest.mark.parametrize("after_message", ["are scored with", "Scored", "Temperature"])
def test_run_a_cancelled_one_stops_and_keeps_no_rows(evaluation, after_message):
    def report(event):
        if after_message in event.message:
            raise RunCancelled

    with pytest.raises(RunCancelled):
        evaluation.evaluate(report=report)
    assert not list(evaluation.out.glob("report.json"))
    assert not list(evaluation.out.glob(".*.jsonl"))


def test_run_calibrate_writes_a_config_that_says_unknown(evaluation):
    result = evaluation.evaluate({"calibrate": True, "known_false_alarm": 0.1})
    config = load_model_config(evaluation.out / "model.yaml")
    assert result["files"]["config"] == str(evaluation.out / "model.yaml")
    assert config.temperature == result["calibration"]["temperature"]
    assert (config.score, config.threshold) == (result["open_set"]["score"], result["open_set"]["threshold"])
    assert result["open_set"]["source"] == "simulated"
    assert config.class_names == CLASSES and config.stft == evaluation.config.stft
    assert "half" in next(text for text in evaluation.messages() if text.startswith("Temperature"))


def test_run_calibration_and_unknown_data_can_be_given(evaluation):
    for number in range(2):
        for label in (0, 1):
            add_recording(evaluation.folder / "fit", f"f{number}", label, snr_db=10, seed=60 + number)
    recording = add_recording(evaluation.folder / "made", "u", 0, snr_db=10, seed=9)
    shutil.move(recording.parent, evaluation.folder / "unknown")
    fields = {
        "calibration_path": str(evaluation.folder / "fit"),
        "unknown_path": str(evaluation.folder / "unknown"),
    }
    result = evaluation.evaluate(fields)
    assert (result["calibration"]["fitted_on"], result["calibration"]["n_fit"]) == ("calibration_path", 12)
    assert result["calibration"]["n_test"] == result["n"] == 12
    assert result["open_set"]["source"] == "unknown_path"
    parts = {row["part"] for row in evaluation.scores()}
    assert parts <= {"test", "fit", "unknown"} and {"test", "fit"} <= parts


def test_run_one_recording_of_each_class_is_not_calibrated(evaluation):
    for label in (0, 1):
        for file in (evaluation.data / CLASSES[label]).glob("r1.*"):
            file.unlink()
    result = evaluation.evaluate({"calibrate": True})
    assert result["calibration"] is None and result["open_set"] is None and "config" not in result["files"]
    warnings = evaluation.messages("WARNING")
    assert any("each class has one recording" in text for text in warnings)
    assert any("Each class is one recording" in text for text in warnings) and result["intervals"] == {}


def test_run_what_cannot_be_read_or_is_empty_is_counted_and_not_scored(evaluation):
    (evaluation.data / CLASSES[0] / "broken.png").write_bytes(b"no image")
    (evaluation.data / CLASSES[0] / "notes.txt").touch()
    silent = add_recording(evaluation.data, "silent", 1, snr_db=0, seed=1)
    data = silent.with_name("silent.sigmf-data")
    data.write_bytes(bytes(data.stat().st_size))
    result = evaluation.evaluate()
    assert (result["n"], result["failed"], result["empty_windows"]) == (12, 1, 3)
    assert result["left_out"] == {"other_suffix": 1}
    warnings = " ".join(evaluation.messages("WARNING"))
    assert "broken.png" in warnings and "notes.txt" in warnings and "3 windows are not scored" in warnings


def test_run_nothing_that_can_be_scored_is_an_error(evaluation):
    shutil.rmtree(evaluation.data)
    for name in ("a.png", "b.png"):
        (evaluation.data / CLASSES[0]).mkdir(parents=True, exist_ok=True)
        (evaluation.data / CLASSES[0] / name).write_bytes(b"no image")
    with pytest.raises(RunError, match="Nothing in"):
        evaluation.evaluate()


def test_run_existing_results_are_refused(evaluation):
    (evaluation.out).mkdir()
    (evaluation.out / "scores.csv").touch()
    with pytest.raises(TaskConflict):
        evaluation.evaluate({"on_existing": "refuse"}, run_id="second")


def test_run_noise_in_a_folder_with_a_ratio_is_scored(evaluation):
    """Leaving out windows that look like noise would flatter the model at low ratios."""
    shutil.rmtree(evaluation.data)
    path = add_recording(evaluation.data / "-20", "a", 0, snr_db=-20, seed=1)
    write_sigmf(path, 0.1 * noise(60_000), sample_rate_hz=1e6, center_frequency_hz=2.4e9)
    result = evaluation.evaluate()
    assert (result["n"], result["empty_windows"]) == (3, 0)


def test_run_a_sweep_that_no_memory_holds_is_refused_before_it_is_made(evaluation, monkeypatch):
    monkeypatch.setattr("rfuav_ray.evaluation.data.work.MAX_PICTURES", 100)
    with pytest.raises(InvalidInput, match="fewer ratios") as refusal:
        evaluation.evaluate({"snr_sweep": {"from": -50, "to": 50, "step": 1}})
    assert refusal.value.field == "snr_sweep"


def test_run_a_folder_with_results_is_refused_before_anything_is_scored(evaluation):
    evaluation.out.mkdir()
    (evaluation.out / "report.html").touch()
    with pytest.raises(TaskConflict):
        evaluation.evaluate({"on_existing": "refuse"})
    assert not any("scored" in text for text in evaluation.messages())
    (evaluation.out / "checkpoint.pt").touch()
    with pytest.raises(TaskConflict, match="training"):
        evaluation.evaluate()
