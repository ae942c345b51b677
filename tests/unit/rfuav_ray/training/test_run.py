import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rfuav_ray.api.results import EpochMetrics, TrainingReport, TrainingResult
from rfuav_ray.errors import InvalidInput, RunCancelled, RunError, RunInterrupted
from rfuav_ray.events import RunEvent
from rfuav_ray.images.class_folders import labelled_images
from rfuav_ray.images.files import read_image
from rfuav_ray.images.normalization import IMAGENET
from rfuav_ray.images.transforms import to_tensor
from rfuav_ray.models.build import build_model, load_weights
from rfuav_ray.models.config import load_model_config
from rfuav_ray.training.run import train
from tests.support.metric_names import ALL_FILES, LATEST_METRICS
from tests.support.training_runs import (
    CLASSES,
    Interruption,
    Run,
    assert_same_results,
    make_images,
    request,
    rows,
    stop_in_epoch,
    stop_when,
    warnings_of,
)
from tests.support.typed_dicts import assert_is

pytestmark = pytest.mark.usefixtures("one_thread", "empty_plots")


@pytest.mark.long
def test_run_it_learns_to_tell_the_classes_apart(tmp_path: Path) -> None:
    make_images(tmp_path / "train", CLASSES, 8)
    make_images(tmp_path / "val", CLASSES, 3)
    result = train(request(tmp_path, tmp_path / "run", model="resnet18", num_epochs=5))
    # By chance it were 33; how much better so few batches are depends on the processor's arithmetic.
    assert result["best_acc"] > 60


def test_run_the_folder_holds_all_files_and_nothing_else(resnet_run: Run) -> None:
    assert {file.name for file in resnet_run.folder.iterdir()} == ALL_FILES
    assert {Path(str(file)).name for file in resnet_run.result["files"].values()} == ALL_FILES


def test_run_the_result_is_json_and_tells_the_best_epoch(resnet_run: Run) -> None:
    result = json.loads(json.dumps(resnet_run.result, allow_nan=False))
    assert_is(TrainingResult, resnet_run.result, result)
    figures = rows(resnet_run.folder)
    accuracies = [(float(row["val_acc"]), -float(row["val_loss"])) for row in figures]
    assert result["save_path"] == str(resnet_run.folder)
    assert result["epochs"] == 3
    assert result["best_epoch"] == accuracies.index(max(accuracies)) + 1
    assert result["best_acc"] == max(accuracies)[0] == float(figures[-1]["best_acc"])
    assert result["images_per_second"] > 0


def test_run_the_best_weights_reproduce_the_best_figures(data: Path, resnet_run: Run) -> None:
    config = load_model_config(resnet_run.folder / "model.yaml")
    assert (config.model, config.image_size, config.normalization) == ("resnet18", 32, IMAGENET)
    assert config.class_names == CLASSES
    model = build_model(config.model, config.num_classes, image_size=config.image_size)
    assert load_weights(model, resnet_run.folder / "best_model.pth", strict_head=True) == []
    model.eval()
    images = labelled_images(data / "val", CLASSES)
    with torch.inference_mode():
        tensors = [to_tensor(read_image(path), image_size=32, normalization=IMAGENET) for path, _ in images]
        predicted = model(torch.stack(tensors)).argmax(dim=1).tolist()
    matrix = np.zeros((3, 3), dtype=int)
    for (_, label), prediction in zip(images, predicted, strict=True):
        matrix[label, prediction] += 1
    report = json.loads((resnet_run.folder / "report.json").read_text())
    assert report["best"]["confusion_matrix"] == matrix.tolist()


def test_run_metrics_csv_has_a_row_an_epoch(resnet_run: Run) -> None:
    figures = rows(resnet_run.folder)
    assert list(figures[0]) == LATEST_METRICS
    assert [row["epoch"] for row in figures] == ["1", "2", "3"]


def test_run_report_json_says_how_it_came_about(resnet_run: Run) -> None:
    report = json.loads((resnet_run.folder / "report.json").read_text())
    assert_is(TrainingReport, report)
    assert report["request"] == resnet_run.request.model_dump(mode="json")
    assert report["data"]["train"]["images"] == 14
    assert report["data"]["val"]["images"] == 9
    assert len(report["data"]["train"]["sha256"]) == 64
    assert [row["class_name"] for row in report["best"]["per_class"]] == list(CLASSES)
    assert [row["support"] for row in report["best"]["per_class"]] == [3, 3, 3]
    assert {"python", "torch", "torchvision", "numpy", "scikit-learn", "rfuav-ray"} <= report["versions"].keys()
    assert (report["seed"], report["device"], report["environment"]) == (42, "cpu", {"node": "n1"})
    assert report["training_seconds"] > 0
    assert report["started_at"] <= report["written_at"]
    assert report["last"] == resnet_run.result["metrics"]


def test_run_events_tell_of_every_epoch(resnet_run: Run) -> None:
    events = resnet_run.events
    told = [(event.epoch, event.stage) for event in events if event.stage and event.message]
    stages = ("epoch_start", "training", "validation", "epoch_end")
    assert [entry for number, entry in enumerate(told) if entry not in told[:number]] == [
        (epoch, stage) for epoch in (1, 2, 3) for stage in stages
    ]
    assert all(event.step == event.epoch for event in events)
    assert warnings_of(events) == []
    ends = [event.metrics for event in events if event.stage == "epoch_end"]
    assert ends == [dict(zip(LATEST_METRICS, end.values(), strict=True)) for end in ends if end]
    assert [list(end or ()) for end in ends] == [LATEST_METRICS] * 3
    assert_is(EpochMetrics, *ends)


def test_run_progress_moves_after_every_batch_up_to_100(resnet_run: Run) -> None:
    progress = [event.progress for event in resnet_run.events if event.progress is not None]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    # 4 training batches and 2 for validation (4 and 5 images) in each of 3 epochs
    assert len(set(progress)) == 1 + 3 * (4 + 2)


@pytest.mark.parametrize("stage", ["epoch_start", "training", "validation"])
def test_run_a_stop_in_the_first_epoch_leaves_no_half_results(data: Path, tmp_path: Path, stage: str) -> None:
    with pytest.raises(RunCancelled):
        train(request(data, tmp_path), report=stop_when(lambda event: event.stage == stage))
    assert [file.name for file in tmp_path.iterdir()] == ["model.yaml"]


def test_run_a_stop_in_a_later_epoch_leaves_the_results_so_far(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RunCancelled):
        train(request(data, tmp_path, num_epochs=2), report=stop_in_epoch(2))
    assert {file.name for file in tmp_path.iterdir()} == ALL_FILES
    assert json.loads((tmp_path / "report.json").read_text())["epochs"] == 1


def test_run_a_diverged_training_says_to_lower_the_learning_rate(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Lower learning_rate"):
        train(request(data, tmp_path, learning_rate=1000, num_epochs=3))
    assert not (tmp_path / "best_model.pth").exists()


def test_run_unreadable_images_are_left_out_and_a_resumed_training_has_the_same_ones(tmp_path: Path) -> None:
    for part in ("train", "val"):
        make_images(tmp_path / part, CLASSES, 4)
        (tmp_path / part / "noise" / "broken.jpg").write_bytes(b"no image")
    changes = {"num_epochs": 2}
    whole = train(request(tmp_path, tmp_path / "whole", **changes))
    assert whole["unreadable"] == 2
    assert {Path(entry["file"]).name for entry in whole["unreadable_files"]} == {"broken.jpg"}
    assert json.loads((tmp_path / "whole" / "report.json").read_text())["data"]["train"]["images"] == 12
    wanted, events = request(tmp_path, tmp_path / "parts", **changes), []
    with pytest.raises(RunInterrupted):
        train(wanted, report=Interruption(2, "training", 2), run_id="run")
    resumed = train(wanted, report=events.append, run_id="run", resume=True)
    assert any(event.message.startswith("Resuming in epoch 2/2") for event in events)
    assert len(warnings_of(events)) == 1 and resumed["unreadable"] == 2
    assert_same_results(tmp_path / "parts", tmp_path / "whole")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"num_classes": 4}, "num_classes"),
        ({"train_path": "/nowhere"}, "train_path"),
        ({"val_path": "/nowhere"}, "val_path"),
        ({"model": "alexnet"}, "model"),
        ({"model": "vit_b_16", "image_size": 40}, "image_size"),
        ({"batch_size": 1}, "batch_size"),
    ],
)
def test_run_a_bad_request_is_refused_before_anything_is_written(
    data: Path, tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        train(request(data, tmp_path / "out", **changes))
    assert refused.value.field == field
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("device", ["gpu", "cuda:99", ""])
def test_run_a_device_that_is_not_there_is_refused(data: Path, tmp_path: Path, device: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        train(request(data, tmp_path / "out"), device=device)
    assert refused.value.field == "device"
    assert not (tmp_path / "out").exists()


def test_run_a_file_in_place_of_the_results_folder_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidInput) as refused:
        train(request(data, tmp_path / "file", name="run"))
    assert refused.value.field == "save_path"


def test_run_weights_to_start_from_win_and_the_new_head_is_told(
    data: Path, tmp_path: Path, mobilenet_run: Run
) -> None:
    make_images(tmp_path / "train", ("a", "b"), 2)
    make_images(tmp_path / "val", ("a", "b"), 2)
    events: list[RunEvent] = []
    weights = mobilenet_run.folder / "best_model.pth"
    changes = {"num_classes": 2, "weight_path": str(weights), "pretrained": True, "learning_rate": 1e-12}
    train(request(tmp_path, tmp_path / "out", **changes), report=events.append)
    message = next(event.message for event in events if str(weights) in event.message)
    assert "classifier.3.weight" in message
    ours, theirs = (torch.load(p, weights_only=True) for p in (tmp_path / "out" / "last_model.pth", weights))
    assert torch.allclose(ours["features.0.0.weight"], theirs["features.0.0.weight"])


def test_run_a_run_may_start_from_the_weights_it_replaces(data: Path, tmp_path: Path) -> None:
    train(request(data, tmp_path))
    older = torch.load(tmp_path / "best_model.pth", weights_only=True)
    weight_path = str(tmp_path / "best_model.pth")
    train(request(data, tmp_path, weight_path=weight_path, learning_rate=1e-12), seed=9)
    newer = torch.load(tmp_path / "last_model.pth", weights_only=True)
    assert torch.allclose(newer["classifier.3.weight"], older["classifier.3.weight"])


def test_run_wrong_weights_leave_older_results_alone(data: Path, tmp_path: Path, resnet_run: Run) -> None:
    train(request(data, tmp_path))
    weights = resnet_run.folder / "best_model.pth"
    with pytest.raises(RunError, match="resnet18"):
        train(request(data, tmp_path, weight_path=str(weights)))
    assert {file.name for file in tmp_path.iterdir()} == ALL_FILES


def test_run_the_settings_of_the_spectrograms_go_into_the_config(tmp_path: Path) -> None:
    make_images(tmp_path / "train", CLASSES, 2)
    make_images(tmp_path / "val", CLASSES, 2)
    (tmp_path / "dataset.yaml").write_text("stft: {points: 1024, window: hamming}")
    train(request(tmp_path, tmp_path / "out"))
    config = load_model_config(tmp_path / "out" / "model.yaml")
    assert config.stft == {"points": 1024, "window": "hamming"}


def test_run_one_class_one_image_and_no_shuffling(tmp_path: Path) -> None:
    make_images(tmp_path / "train", ("only",), 1)
    make_images(tmp_path / "val", ("only",), 1)
    changes = {"num_classes": 1, "image_size": 64, "batch_size": 1, "shuffle": False}
    result = train(request(tmp_path, tmp_path / "out", **changes))
    assert result["best_acc"] == result["metrics"]["mAP"] * 100 == 100


def test_run_an_epoch_that_cannot_be_written_ends_the_training_and_is_not_drawn(
    data: Path, tmp_path: Path
) -> None:
    events: list[RunEvent] = []

    def report(event: RunEvent) -> None:
        events.append(event)
        if event.stage == "epoch_start" and event.epoch == 1:
            (tmp_path / "checkpoint.pt").mkdir()

    with pytest.raises(OSError, match="checkpoint"):
        train(request(data, tmp_path, num_epochs=3), report=report)
    assert {file.name for file in tmp_path.iterdir()} == {"model.yaml", "checkpoint.pt"}
    assert not any(event.stage == "epoch_end" for event in events)
