"""Which images show the same picture."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from rfuav_ray.audit.pixels.hashes import FLAT, READ, record_of, unreadable
from rfuav_ray.audit.pixels.near import look_alikes
from rfuav_ray.audit.pixels.records import Records
from tests.unit.rfuav_ray.audit.datasets import picture, save


def found(
    folder: Path, paths: list[Path], parts: list[int], excluded: tuple[int, ...] = ()
) -> list[tuple[int, int]]:
    with Records(folder, "run") as records:
        records.begin("0" * 64, resume=False)
        for path in paths:
            records.add(record_of(path) if path.exists() else unreadable())
        records.flush()
        return list(look_alikes(records, parts, excluded, lambda fraction: None))


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "original.png"
    save(path, picture(1, 1))
    return path


@pytest.mark.parametrize("change", ["jpeg", "smaller", "brighter", "noisy"])
def test_near_a_changed_copy_shows_the_same_picture(tmp_path: Path, original: Path, change: str) -> None:
    pixels = picture(1, 1)
    copy = tmp_path / f"copy.{'jpg' if change == 'jpeg' else 'png'}"
    noise = np.random.default_rng(9).normal(0, 4, pixels.shape)
    changed = {
        "jpeg": pixels,
        "smaller": cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA),
        "brighter": (pixels * 0.8 + 40).astype(np.uint8),
        "noisy": (pixels + noise).clip(0, 255).astype(np.uint8),
    }[change]
    save(copy, changed, *((cv2.IMWRITE_JPEG_QUALITY, 75) if change == "jpeg" else ()))
    assert found(tmp_path, [original, copy], [0, 1]) == [(1, 0)]
    # In the same part they are no finding, unless there is no other.
    assert found(tmp_path, [original, original, copy], [0, 1, 1], excluded=(1,)) == [(2, 0)]
    assert found(tmp_path, [original, copy], [0, 0]) == [(1, 0)]


def test_near_other_moments_of_a_recording_are_other_pictures(tmp_path: Path, original: Path) -> None:
    others = [tmp_path / f"{number}.png" for number in range(40)]
    for number, path in enumerate(others, start=2):
        save(path, picture(1, number))
    assert found(tmp_path, [original, *others], [0] + [1] * 40) == []


def test_near_pictures_of_one_colour_and_of_stripes_are_not_compared(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    flat, stripes = np.full((64, 64), 7, np.uint8), np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    for path, pixels in zip(paths, (flat, flat, stripes, stripes), strict=True):
        save(path, pixels)
        assert record_of(path)["state"][0] == FLAT
    assert found(tmp_path, paths, [0, 1, 0, 1]) == []


def test_near_what_cannot_be_read_is_like_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, [tmp_path / "gone.png", tmp_path / "lost.png"], [0, 1]) == []


def test_near_a_large_jpeg_is_recorded_as_its_picture(tmp_path: Path) -> None:
    large = cv2.resize(picture(1, 1), (1600, 1200), interpolation=cv2.INTER_CUBIC)
    save(tmp_path / "large.jpg", large)
    save(tmp_path / "large.png", large)
    assert record_of(tmp_path / "large.jpg")["state"][0] == READ
    assert found(tmp_path, [tmp_path / "large.png", tmp_path / "large.jpg"], [0, 1]) == [(1, 0)]
