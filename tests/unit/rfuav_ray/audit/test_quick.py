"""The quick part of an audit: names and bytes."""

from pathlib import Path

import pytest

from rfuav_ray.api.results import AuditVerdict
from rfuav_ray.audit.quick import quick_audit
from rfuav_ray.errors import RunCancelled
from rfuav_ray.events import RunEvent
from tests.unit.rfuav_ray.audit.datasets import frames, write


def judge(folder: Path) -> AuditVerdict:
    return quick_audit(folder / "train", {"valid": folder / "valid"})


def grouped(folder: Path) -> None:
    for name in "ab":
        write(folder / "train", *frames(name, "r1"), *frames(name, "r2"))
        write(folder / "valid", *frames(name, "r3"))


def test_quick_audit_recordings_that_keep_to_one_part_are_clean(tmp_path: Path) -> None:
    grouped(tmp_path)
    judged = judge(tmp_path)
    assert judged["verdict"] == "clean"
    assert judged["sentences"] == [
        "No recording is in several of train, valid; there are 6, as the images' names say."
    ]


def test_quick_audit_a_recording_on_both_sides_leaks(tmp_path: Path) -> None:
    grouped(tmp_path)
    write(tmp_path / "valid", "a/r2_00007.png")
    judged = judge(tmp_path)
    assert judged["verdict"] == "leaks"
    assert "1 of 6 recordings has images in several of train, valid (a/r2)" in judged["sentences"][0]


def test_quick_audit_an_augmented_image_leaks_into_the_part_of_its_original(tmp_path: Path) -> None:
    grouped(tmp_path)
    write(tmp_path / "train", "a/x_origin.png", "a/x_GaussNoise.png")
    write(tmp_path / "valid", "a/x.png")
    assert judge(tmp_path)["verdict"] == "leaks"


def test_quick_audit_the_same_bytes_in_two_parts_leak_whatever_the_names(tmp_path: Path) -> None:
    grouped(tmp_path)
    write(tmp_path / "train", "a/r1_00009.png", content="same")
    write(tmp_path / "valid", "b/r4_00009.png", content="same")
    judged = judge(tmp_path)
    assert judged["verdict"] == "leaks"
    assert "1 image of valid is in another part, too, byte for byte: r4_00009.png" in judged["sentences"][0]


def test_quick_audit_duplicates_within_a_part_do_not_leak(tmp_path: Path) -> None:
    grouped(tmp_path)
    write(tmp_path / "train", "a/r1_00008.png", "a/r1_00009.png", content="same")
    assert judge(tmp_path)["verdict"] == "clean"


@pytest.mark.parametrize("form", ["a/{}.png", "a/img_{:04}.png", "a/scene{}x.png"])
def test_quick_audit_names_that_tell_no_recordings_are_not_called_clean(tmp_path: Path, form: str) -> None:
    write(tmp_path / "train", *(form.format(number) for number in range(5)))
    # Numbers that begin anew in each part are of other images.
    write(tmp_path / "valid", *(form.format(number) for number in (range(3) if "scene" not in form else (8, 9))))
    for file in (tmp_path / "valid").rglob("*.png"):
        file.write_text(f"other {file.name}")
    judged = judge(tmp_path)
    assert judged["verdict"] == "suspicious"
    assert "valid shares recordings with train is not known" in judged["sentences"][0]


def test_quick_audit_classes_whose_names_only_number_their_images_are_one_recording(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / "train", *frames(name, name))
        write(tmp_path / "valid", *frames(name, name, range(7, 9)))
    judged = judge(tmp_path)
    assert judged["verdict"] == "suspicious"
    assert "each class is one recording, and a random split says nothing" in judged["sentences"][0]


def test_quick_audit_dataset_yaml_tells_recordings_of_one_spectrogram_each(tmp_path: Path) -> None:
    for part, numbers in (("train", range(6)), ("valid", range(6, 8))):
        write(tmp_path / part, *(f"a/scene{number}x_00000.png" for number in numbers))
    assert judge(tmp_path)["verdict"] == "suspicious"
    listed = "".join(f"- pictures: a/scene{number}x_<number>.png\n" for number in range(8))
    (tmp_path / "dataset.yaml").write_text(f"recordings:\n{listed}")
    judged = judge(tmp_path)
    assert judged["verdict"] == "clean"
    assert "there are 8, as dataset.yaml says" in judged["sentences"][0]


def test_quick_audit_one_recording_for_each_class_in_train_is_suspicious(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / "train", *frames(name, "r1"))
        write(tmp_path / "valid", *frames(name, "r2"))
    judged = judge(tmp_path)
    assert judged["verdict"] == "suspicious"
    assert "In train each class is one recording" in judged["sentences"][0]


def test_quick_audit_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grouped(tmp_path)
    monkeypatch.setattr("rfuav_ray.audit.pace.SECONDS_BETWEEN_REPORTS", 0)

    def stop(event: RunEvent) -> None:
        raise RunCancelled("cancelled")

    with pytest.raises(RunCancelled):
        quick_audit(tmp_path / "train", {"valid": tmp_path / "valid"}, stop)
