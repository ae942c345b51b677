import json
import math
import os
import sys
import threading
from pathlib import Path

import pytest
import torch

from rfuav_ray.api.results import InferenceMetrics, InferenceResult, Predictions
from rfuav_ray.errors import InvalidInput, RunCancelled, RunError
from rfuav_ray.events import RunEvent
from rfuav_ray.images.files import read_image
from rfuav_ray.images.normalization import IMAGENET
from rfuav_ray.images.transforms import to_tensor
from rfuav_ray.inference import progress as inference_tally
from rfuav_ray.models.build import build_model
from rfuav_ray.models.config import save_model_config
from tests.support.inference_runs import Run
from tests.support.typed_dicts import assert_is

RESULTS = ["predictions.csv", "predictions.index", "predictions.json", "predictions.jsonl"]
COLUMNS = [
    *("file", "frame", "time_s", "class_name", "class_index", "probability"),
    *(f"top{rank}_{what}" for rank in range(1, 6) for what in ("class", "probability")),
    "unknown",
]


def test_run_a_folder_gives_a_row_for_each_image_in_order(run):
    run.add_images("b.png", "a.JPG", "deep/er/c.bmp", "无人机 (1).jpeg")
    (run.source / "notes.txt").write_text("no image")
    result = run.infer()
    files = ["a.JPG", "b.png", "deep/er/c.bmp", "无人机 (1).jpeg"]
    assert [row["file"] for row in run.json()["predictions"]] == files
    assert [row["file"] for row in run.csv()] == files
    assert result["images"] == 4
    assert result["failed"] == []
    assert sum(result["classes"].values()) == 4
    assert result["images_per_second"] > 0
    assert json.loads(json.dumps(result)) == result
    assert_is(InferenceResult, result)
    assert_is(Predictions, run.json())
    assert result["save_path"] == str(run.out)
    assert sorted(path.name for path in run.out.iterdir()) == RESULTS
    assert Path(result["predictions_csv"]).is_file()
    assert Path(result["predictions_json"]).is_file()
    assert Path(result["predictions_jsonl"]).is_file()
    assert result["model"] == "mobilenet_v3_small"


@pytest.mark.parametrize("model", ["mobilenet_v3_small", "resnet18"])
def test_run_the_probabilities_are_those_of_the_model(tmp_path, model):
    run = Run(tmp_path, model=model)
    # Statistics that differ from those of a new model, so that a batch norm left out would show.
    for module in run.model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.get_buffer("running_mean"), -0.2, 0.2)
            torch.nn.init.uniform_(module.get_buffer("running_var"), 0.5, 1.5)
    run.save_weights()
    run.add_images(*(f"{index}.png" for index in range(5)))
    run.infer(batch_size=2)
    for row in run.json()["predictions"]:
        tensor = to_tensor(read_image(run.source / row["file"]), image_size=32, normalization=IMAGENET)
        with torch.inference_mode():
            expected = run.model(tensor[None]).softmax(dim=1)[0]
        assert row["probability"] == pytest.approx(expected[row["class_index"]].item(), abs=0.02)
        assert expected.max().item() == pytest.approx(expected[row["class_index"]].item(), abs=0.02)
        assert row["class_name"] == f"drone {row['class_index']}"


def test_run_a_row_of_the_json(run):
    run.add_images("a.png")
    run.infer()
    content = run.json()
    assert content["model"] == "mobilenet_v3_small"
    (row,) = content["predictions"]
    assert list(row) == ["file", "frame", "time_s", "class_name", "class_index", "probability", "top5", "unknown"]
    assert row["frame"] is None
    assert row["time_s"] is None
    assert len(row["top5"]) == 5
    assert row["top5"][0] == {"class_name": row["class_name"], "probability": row["probability"]}
    probabilities = [candidate["probability"] for candidate in row["top5"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert len({candidate["class_name"] for candidate in row["top5"]}) == 5
    assert 0 < sum(probabilities) <= 1.00001


def test_run_the_csv_says_what_the_json_says(run):
    run.add_images("a.png", 'odd, "name".png')
    run.infer()
    for row, cells in zip(run.json()["predictions"], run.csv(), strict=True):
        assert list(cells) == COLUMNS
        assert cells["file"] == row["file"]
        assert cells["frame"] == cells["time_s"] == ""
        assert cells["class_name"] == row["class_name"]
        assert int(cells["class_index"]) == row["class_index"]
        assert float(cells["probability"]) == row["probability"]
        for rank, candidate in enumerate(row["top5"], start=1):
            assert cells[f"top{rank}_class"] == candidate["class_name"]
            assert float(cells[f"top{rank}_probability"]) == candidate["probability"]


@pytest.mark.parametrize("num_classes", [1, 2])
def test_run_fewer_than_five_classes_leave_cells_empty(tmp_path, num_classes):
    run = Run(tmp_path, num_classes=num_classes)
    run.add_images("a.png")
    run.infer()
    (row,), (cells,) = run.json()["predictions"], run.csv()
    assert len(row["top5"]) == num_classes
    assert sum(candidate["probability"] for candidate in row["top5"]) == pytest.approx(1, abs=1e-5)
    assert list(cells) == COLUMNS
    for rank in range(1, 6):
        assert (cells[f"top{rank}_class"] == "") == (rank > num_classes)
        assert (cells[f"top{rank}_probability"] == "") == (rank > num_classes)


def test_run_a_single_file_is_called_by_its_name(run):
    run.add_images("deep/a.png")
    assert run.infer(run.source / "deep" / "a.png")["images"] == 1
    assert run.json()["predictions"][0]["file"] == "a.png"


def test_run_an_unreadable_image_is_named_and_left_out(run):
    run.add_images("a.png", "c.png")
    (run.source / "b.png").write_bytes(b"no image")
    (run.source / "d.png").write_bytes(b"")
    result = run.infer(batch_size=1)
    assert result["images"] == 2
    assert result["failed"] == ["b.png", "d.png"]
    assert result["failed_images"] == 2
    assert [row["file"] for row in run.csv()] == ["a.png", "c.png"]
    warnings = run.messages("WARNING")
    assert len(warnings) == 2
    assert str(run.source / "b.png") in warnings[0]
    assert "2 could not be read" in run.messages()[-1]


def test_run_what_is_no_image_is_named_and_counted(run):
    run.add_images("a.png", "sub/b.webp", "c.tif")
    (run.source / "notes.doc").touch()
    (run.source / "outside").symlink_to(run.folder.parent)
    result = run.infer(roots=[run.folder])
    assert (result["images"], result["left_out"]) == (3, {"other_suffix": 1, "outside_roots": 1})
    (warning,) = run.messages("WARNING")
    assert "notes.doc" in warning and "outside" in warning


def test_run_linked_folders_are_classified(run):
    run.add_images("a.png")
    (run.folder / "store").mkdir()
    (run.source / "a.png").rename(run.folder / "store" / "a.png")
    (run.source / "linked").symlink_to("../store")
    assert run.infer(roots=[run.folder])["images"] == 1
    assert [row["file"] for row in run.csv()] == ["linked/a.png"]


@pytest.mark.parametrize("source", ["", "test/a", "test/a/1.png"])
def test_run_spectrograms_of_other_settings_than_the_models_are_told(run, source):
    run.add_images("test/a/1.png")
    save_model_config(run.folder / "model.yaml", run.config.model_copy(update={"stft": {"sample_rate_hz": 1e8}}))
    card = run.source / "dataset.yaml"
    card.write_text("stft: {sample_rate_hz: 100e6}")
    run.infer(run.source / source)
    assert run.messages("WARNING") == []
    card.write_text("stft: {sample_rate_hz: 20e6}")
    run.infer(run.source / source)
    (warning,) = (message for message in run.messages("WARNING") if "settings" in message)
    assert "sample_rate_hz 1e+08 and 2e+07" in warning
    card.write_text("stft: [")
    assert run.infer(run.source / source)["images"] == 1
    assert "is not known" in run.messages("WARNING")[-1]


def test_run_many_unreadable_images_are_counted_but_not_all_named(run, monkeypatch):
    monkeypatch.setattr(inference_tally, "MAX_NAMED_FAILURES", 3)
    run.add_images("a.png")
    for index in range(5):
        (run.source / f"bad {index}.png").write_bytes(b"no image")
    result = run.infer()
    assert result["failed"] == ["bad 0.png", "bad 1.png", "bad 2.png"]
    assert result["failed_images"] == 5
    assert len(run.messages("WARNING")) == 3
    assert "only counted" in run.messages("WARNING")[-1]


def test_run_nothing_readable_is_an_error_and_leaves_no_files(run):
    (run.source / "a.png").write_bytes(b"no image")
    (run.source / "b.png").write_bytes(b"")
    with pytest.raises(RunError, match=r"None of the 2 images.*a\.png"):
        run.infer()
    assert list(run.out.iterdir()) == []
    with pytest.raises(RunError, match=r"a\.png is not a PNG"):
        run.infer(run.source / "a.png")
    assert list(run.out.iterdir()) == []


def test_run_sources_without_images_are_errors(run):
    with pytest.raises(RunError, match="no image"):
        run.infer()
    with pytest.raises(RunError, match="does not exist"):
        run.infer(run.folder / "missing")
    assert not run.out.exists()


def test_run_progress_rises_to_100_and_the_log_stays_short(run):
    run.add_images(*(f"{index:02}.png" for index in range(60)))
    run.infer(batch_size=2)
    progress = [event.progress for event in run.events if event.progress is not None]
    assert progress[0] == 0
    assert progress == sorted(progress)
    assert progress[-1] == 100
    assert len(set(progress)) == 31
    messages = run.messages()
    assert messages[0].startswith("Classifying 60 images with mobilenet_v3_small")
    assert len(messages) == 11
    assert "6 of 60" in messages[1]
    assert "Classified 60 images" in messages[-1]
    assert_is(InferenceMetrics, *(event.metrics for event in run.events if event.metrics))


def test_run_the_last_message_counts_the_classes(run):
    run.add_images("a.png", "b.png", "c.png")
    result = run.infer()
    for name, count in result["classes"].items():
        assert f"{name} {count}" in run.messages()[-1]


@pytest.mark.parametrize("at_event", [1, 2, 4])
def test_run_cancelled_it_leaves_nothing_half_written_and_older_results_as_they_were(run, at_event, three_threads):
    run.add_images(*(f"{index}.png" for index in range(12)))
    run.infer(run.source / "0.png")
    before = (run.out / "predictions.json").read_bytes()
    seen = []

    def cancel(event: RunEvent) -> None:
        seen.append(event)
        if len(seen) == at_event:
            raise RunCancelled

    with pytest.raises(RunCancelled):
        run.infer(report=cancel, batch_size=2)
    assert len(seen) == at_event
    assert torch.get_num_threads() == 3
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith(("classify", "draw"))]
    assert sorted(path.name for path in run.out.iterdir()) == RESULTS
    assert (run.out / "predictions.json").read_bytes() == before


def test_run_weights_that_are_not_finite_are_an_error_and_never_written(run):
    run.add_images("a.png")
    with torch.no_grad():
        run.model.classifier[3].bias[2] = math.nan
    run.save_weights()
    with pytest.raises(RunError, match=r"weights\.pth"):
        run.infer()
    assert not run.out.exists()


def test_run_wrong_weights_and_configs_are_refused(run):
    run.add_images("a.png")
    torch.save(build_model("mobilenet_v3_small", 3).state_dict(), run.folder / "weights.pth")
    with pytest.raises(RunError, match=r"weights\.pth has 3 classes, but num_classes is 7"):
        run.infer()
    (run.folder / "model.yaml").write_text("model: resnet18\n")
    with pytest.raises(InvalidInput, match="cfg_path"):
        run.infer()
    assert not run.out.exists()


def test_run_class_names_of_any_script_reach_the_files(run):
    names = ("无人机", "a,b", 'quo"te', "line\nbreak", "é", "=1+1", "1")
    save_model_config(run.folder / "model.yaml", run.config.model_copy(update={"class_names": names}))
    run.add_images(*(f"{index}.png" for index in range(3)))
    run.infer()
    for row, cells in zip(run.json()["predictions"], run.csv(), strict=True):
        assert row["class_name"] == cells["class_name"] == names[row["class_index"]]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text elsewhere")
def test_run_a_file_name_that_is_no_text_does_not_stop_the_run(run):
    run.add_images("a.png")
    odd = os.fsdecode(b"\xff.png")
    (run.source / odd).write_bytes((run.source / "a.png").read_bytes())
    (run.source / os.fsdecode(b"\xfe.png")).write_bytes(b"no image")
    result = run.infer()
    assert result["images"] == 2
    assert result["failed"] == [r"\udcfe.png"]
    assert [row["file"] for row in run.json()["predictions"]] == ["a.png", r"\udcff.png"]
    for message in run.messages("WARNING"):
        message.encode("utf-8")


def test_run_results_can_be_written_into_the_source(run):
    run.add_images("a.png")
    run.out = run.source
    assert run.infer()["images"] == 1
    assert run.infer()["images"] == 1
