"""What a training says about its data sets before the first epoch."""

from pathlib import Path
from typing import Any

import pytest

from rfuav_ray import wording
from rfuav_ray.errors import InvalidInput, RunCancelled
from rfuav_ray.events import RunEvent
from rfuav_ray.training import data as data_module
from rfuav_ray.training import datasets
from rfuav_ray.training.datasets import Datasets, read_datasets
from tests.support.training_runs import CLASSES, make_images, request, warnings_of


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_images(tmp_path / "train", CLASSES, 3)
    make_images(tmp_path / "val", CLASSES, 2)
    return tmp_path


def read(data: Path, *roots: Path, **changes: Any) -> tuple[Datasets, list[str]]:
    events: list[RunEvent] = []
    wanted = request(data, data / "out", **changes)
    found = read_datasets(wanted, data / "out", events.append, threads=2, roots=roots)
    return found, warnings_of(events)


def test_datasets_good_ones_give_no_warning(data: Path) -> None:
    found, warnings = read(data)
    assert (len(found.train), len(found.val), warnings) == (9, 6, [])
    assert (found.left_out, found.unreadable, found.unreadable_files) == ({}, 0, [])
    assert found.class_names == list(CLASSES)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize("keep_bytes", [2**30, 0, 4 * 3 * 32 * 32])
def test_datasets_unreadable_images_are_named_left_out_and_counted(
    data: Path, monkeypatch: pytest.MonkeyPatch, keep_bytes: int
) -> None:
    monkeypatch.setattr(data_module.ImageDataset.__init__, "__kwdefaults__", {"keep_bytes": keep_bytes})
    bad = [
        data / name for name in ("train/drone/train0_0.png", "train/无人机/train1_0.png", "val/noise/val0_1.png")
    ]
    for path in bad:
        cut(path)
    (data / "val" / "noise" / "text.png").write_text("no image")
    (data / "train" / "drone" / "empty.jpg").touch()
    found, (warning,) = read(data)
    assert warning.startswith("5 of 17 images cannot be read and are left out: ")
    assert all(str(path) in warning for path in bad)
    assert (found.unreadable, len(found.train), len(found.val)) == (5, 7, 5)
    assert {entry["file"] for entry in found.unreadable_files} > set(map(str, bad))
    assert [path.stem[5:] for path, _ in found.train.images] == ["0_1", "1_0", "0_0", "0_1", "1_0", "0_0", "0_1"]
    for dataset in (found.train, found.val):
        assert [dataset[index][1] for index in range(len(dataset))] == [label for _, label in dataset.images]
        pictures, _ = dataset.batch(range(len(dataset)))
        assert len(pictures) == len(dataset)


def test_datasets_what_was_kept_is_not_read_again(data: Path) -> None:
    cut(data / "train" / "drone" / "train0_1.png")
    found, _ = read(data)
    for path in (data / "train").rglob("*.png"):
        path.unlink()
    assert len(found.train.batch(range(8))[0]) == 8


def test_datasets_with_strict_unreadable_images_are_refused_with_their_names(data: Path) -> None:
    read(data, strict=True)
    for number in range(2):
        cut(data / "train" / "noise" / f"train0_{number}.png")
    with pytest.raises(InvalidInput, match=r"2 of 15 images.*noise/train0_0\.png.*noise/train0_1\.png") as refused:
        read(data, strict=True)
    assert refused.value.field == "strict"


@pytest.mark.parametrize(("part", "field"), [("train", "train_path"), ("val", "val_path")])
def test_datasets_a_class_that_loses_all_its_images_is_an_error(data: Path, part: str, field: str) -> None:
    for path in (data / part / "noise").iterdir():
        cut(path)
    with pytest.raises(InvalidInput, match=r"no image of noise can be read.*0\.png") as refused:
        read(data)
    assert refused.value.field == field


def test_datasets_many_unreadable_images_are_counted_but_not_all_named(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wording, "NAMES_SHOWN", 1)
    monkeypatch.setattr(datasets, "FILES_IN_RESULT", 2)
    for name in CLASSES:
        cut(data / "train" / name / "train0_0.png")
    found, (warning,) = read(data)
    assert "and 2 more" in warning and (found.unreadable, len(found.unreadable_files)) == (3, 2)


def test_datasets_a_stop_is_heard_while_images_are_read(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "SECONDS_BETWEEN_REPORTS", 0.0)

    def stop(_: RunEvent) -> None:
        raise RunCancelled

    with pytest.raises(RunCancelled):
        read_datasets(request(data, data / "out"), data / "out", stop, threads=2)


def test_datasets_what_is_left_out_of_both_is_one_warning(data: Path) -> None:
    for name in ("train/drone/a.iq", "train/notes.txt", "val/stray.png", "val/drone/.hidden.png"):
        (data / name).write_bytes(b"x")
    found, (warning,) = read(data)
    assert found.left_out == {"other_suffix": 2, "outside_classes": 1, "hidden": 1}
    assert all(name in warning for name in ("a.iq", "notes.txt", "stray.png", ".hidden.png"))


def test_datasets_nested_and_linked_images_count(data: Path, tmp_path: Path) -> None:
    (data / "train" / "noise").rename(tmp_path / "store")
    (data / "train" / "noise").mkdir()
    (data / "train" / "noise" / "session2").symlink_to(tmp_path / "store")
    found, warnings = read(data, tmp_path)
    assert (len(found.train), warnings) == (9, [])
    with pytest.raises(InvalidInput, match="noise"):
        read(data, data / "train", data / "val")


def describe(folder: Path, rate: str, recordings: str = "[]") -> None:
    (folder / "dataset.yaml").write_text(f"stft: {{sample_rate_hz: {rate}}}\nrecordings: {recordings}\n")


def test_datasets_spectrograms_of_different_settings_are_told(data: Path) -> None:
    describe(data / "train", "100000000.0")
    describe(data / "val", "100e6")
    assert read(data)[1] == []
    describe(data / "val", "20e6")
    found, (warning,) = read(data)
    assert "sample_rate_hz 1e+08 and 2e+07" in warning
    assert found.card is not None and found.card.stft == {"sample_rate_hz": 1e8}


def test_datasets_recordings_of_different_rates_are_told(data: Path) -> None:
    describe(data, "20e6", "[{sample_rate_hz: 20e6}, {sample_rate_hz: 50e6}]")
    (warning,) = read(data)[1]
    assert "20, 50 MS/s" in warning and str(data / "train") in warning


def test_datasets_the_same_folder_on_both_sides_is_told(data: Path) -> None:
    for path in (data / "val" / "noise").iterdir():
        path.unlink()
    (data / "val" / "noise").rmdir()
    (data / "val" / "noise").symlink_to(data / "train" / "noise")
    (warning,) = read(data)[1]
    assert "noise" in warning and "same in train_path and val_path" in warning


def test_datasets_classes_that_are_written_alike_are_told(tmp_path: Path) -> None:
    make_images(tmp_path / "train", ("dr\u00f6ne", "B", "b"), 1)
    make_images(tmp_path / "val", ("dro\u0308ne", "B", "b"), 1)
    form, case = read(tmp_path)[1]
    assert "dr\u00f6ne differently in Unicode" in form
    assert "B, b differ only in upper and lower case" in case


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"val_path": "train"}, "val_path"),
        ({"save_path": "train/run1"}, "save_path"),
        ({"save_path": "val/noise"}, "save_path"),
    ],
)
def test_datasets_folders_in_one_another_are_refused(data: Path, changes: dict[str, str], field: str) -> None:
    wanted = request(data, data / "out").model_copy(update={key: str(data / to) for key, to in changes.items()})
    with pytest.raises(InvalidInput) as refused:
        read_datasets(wanted, Path(wanted.save_path), lambda _: None, threads=1)
    assert refused.value.field == field
