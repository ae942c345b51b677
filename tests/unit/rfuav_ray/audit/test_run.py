"""Whole audits."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rfuav_ray.api.requests import AuditRequest
from rfuav_ray.api.results import AuditResult, AuditStats
from rfuav_ray.audit.pixels import look
from rfuav_ray.audit.pixels.hashes import record_of
from rfuav_ray.audit.run import audit
from rfuav_ray.errors import RunCancelled, RunError, RunInterrupted
from rfuav_ray.events import RunEvent
from tests.support.typed_dicts import assert_is
from tests.unit.rfuav_ray.audit.datasets import make_recordings, picture, save

REAL = Path(__file__).parents[4].parent / "shared" / "data"


def audited(folder: Path, events: list[RunEvent] | None = None, **options: Any) -> AuditStats:
    report = (lambda event: None) if events is None else events.append
    result = audit(AuditRequest(dataset_path=str(folder)), save_path=folder / "out", report=report, **options)
    assert_is(AuditResult, result)
    return result["stats"]


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    return make_recordings(tmp_path / "data", {"train": range(6), "valid": range(6, 10)})


def test_run_recordings_that_keep_to_one_part_are_clean(clean: Path) -> None:
    events: list[RunEvent] = []
    stats = audited(clean, events)
    assert (stats["verdict"], stats["images"]) == ("clean", {"train": 48, "valid": 32})
    assert (stats["duplicates"], stats["near_duplicates"], stats["recordings_on_both_sides"]) == (0, 0, 0)
    assert stats["chance"] == 0.5 and stats["baseline_accuracy"] is not None
    assert [event.level for event in events if event.message.startswith("Audit: clean. ")] == ["INFO"]
    progress = [event.progress for event in events if event.progress is not None]
    assert progress == sorted(progress) and progress[-1] == 100
    content = json.loads((clean / "out" / "audit.json").read_text())
    assert content["by_class"]["a"] == {
        "images": 40,
        "recordings": 10,
        "told_by": "names",
        "images_of_unknown_recordings": 0,
    }
    assert {path.name for path in (clean / "out").iterdir()} == {"audit.json"}


def test_run_a_recording_on_both_sides_leaks(tmp_path: Path) -> None:
    data = make_recordings(tmp_path, {"train": range(6), "valid": range(5, 9), "test": range(9, 12)})
    stats = audited(data)
    assert (stats["verdict"], stats["recordings_on_both_sides"]) == ("leaks", 2)
    assert stats["examples"]["recordings_on_both_sides"] == [
        ["a/r5", "train", "valid"],
        ["b/r5", "train", "valid"],
    ]


def test_run_copies_are_counted_by_bytes_or_by_picture(clean: Path) -> None:
    save(clean / "valid" / "a" / "r90_001.jpg", picture(0, 1), cv2.IMWRITE_JPEG_QUALITY, 80)
    original = clean / "train" / "a" / "r0_001.png"
    (clean / "valid" / "a" / "r91_001.png").write_bytes(original.read_bytes())
    stats = audited(clean)
    assert (stats["verdict"], stats["duplicates"], stats["near_duplicates"]) == ("leaks", 1, 1)
    assert stats["examples"]["duplicates"] == [["train/a/r0_001.png", "valid/a/r91_001.png"]]
    assert stats["examples"]["near_duplicates"] == [["valid/a/r90_001.jpg", "train/a/r0_000.png"]]
    assert "byte for byte: r91_001.png" in stats["sentences"][0]
    assert "1 image of valid (2.9 %) shows the picture of one in another part" in stats["sentences"][1]


def test_run_what_a_training_would_not_use_is_counted(clean: Path) -> None:
    (clean / "train" / "a" / "notes.txt").write_text("x")
    (clean / "train" / "a" / "r0_000.mat").write_text("x")
    (clean / "train" / "a" / "cut.png").write_bytes((clean / "train" / "a" / "r0_000.png").read_bytes()[:-60])
    (clean / "train" / "a" / ".hidden.png").write_text("x")
    events: list[RunEvent] = []
    stats = audited(clean, events)
    assert (stats["unreadable"], stats["left_out"]) == (1, {".txt": 1, ".mat": 1, "hidden": 1})
    assert "cut.png" in stats["examples"]["unreadable"][0][0]
    warnings = [event.message for event in events if event.level == "WARNING"]
    assert any("1 of 81 images cannot be read" in warning and "cut.png" in warning for warning in warnings)


def test_run_images_of_which_none_can_be_read_are_an_error(tmp_path: Path) -> None:
    for part in ("train", "valid"):
        (tmp_path / part / "a").mkdir(parents=True)
        (tmp_path / part / "a" / "r1_1.png").write_text("no image")
    with pytest.raises(RunError, match=r"None of the 2 images can be read.*r1_1\.png"):
        audited(tmp_path)


def test_run_pictures_of_one_colour_are_told(clean: Path) -> None:
    for number in range(90):
        save(clean / "train" / "a" / f"r0_{number + 100}.png", np.full((16, 16), number, np.uint8))
    events: list[RunEvent] = []
    assert audited(clean, events)["near_duplicates"] == 0
    assert any("90 images are of one colour" in event.message for event in events if event.level == "WARNING")


def test_run_a_resumed_audit_reads_what_is_left_and_finds_the_same(
    clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(clean / "valid" / "b" / "cut.png", picture(0, 1))
    (clean / "valid" / "b" / "cut.png").write_bytes(b"\x89PNG")
    whole = audited(clean)

    def stop(event: RunEvent) -> None:
        if "of 81 images read" in event.message and int(event.message.split()[0]) > 60:
            raise RunInterrupted

    with pytest.raises(RunInterrupted):
        audit(AuditRequest(dataset_path=str(clean)), save_path=clean / "out", report=stop, run_id="run")
    read: list[Path] = []

    def counting(path: Path) -> npt.NDArray[Any]:
        read.append(path)
        return record_of(path)

    monkeypatch.setattr(look, "record_of", counting)
    events: list[RunEvent] = []
    assert audited(clean, events, run_id="run", resume=True) == whole
    assert any(event.message.startswith("Resuming after 6") for event in events)
    assert len(read) < 25


def test_run_a_cancelled_audit_leaves_nothing(clean: Path) -> None:
    def stop(event: RunEvent) -> None:
        if "images read" in event.message:
            raise RunCancelled

    with pytest.raises(RunCancelled):
        audit(AuditRequest(dataset_path=str(clean)), save_path=clean / "out", report=stop, run_id="run")
    assert list((clean / "out").iterdir()) == []


@pytest.mark.skipif(not REAL.is_dir(), reason=f"there is no {REAL}")
def test_run_satellites_of_one_recording_each_say_nothing_about_generalisation(tmp_path: Path) -> None:
    request = AuditRequest(dataset_path=str(REAL / "satellite" / "spectrogram"))
    stats = audit(request, save_path=tmp_path)["stats"]
    assert stats["verdict"] == "suspicious"
    assert (
        "each class is one recording, and a random split says nothing about generalisation"
        in stats["sentences"][0]
    )
    assert stats["classes_that_are_one_recording"] == stats["classes"] and len(stats["classes"]) == 9
    assert stats["near_duplicates"] == 0
    assert stats["baseline_accuracy"] is not None and stats["baseline_accuracy"] > 0.9
