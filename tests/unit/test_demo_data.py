import cv2
import numpy as np
import pytest
import yaml

from rfuav_ray.demo.data import CLASSES, STFT, make_data
from rfuav_ray.iq import open_recording
from rfuav_ray.spectrogram import StftSettings, pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    done = list(make_data(folder, {"train": 2, "valid": 1, "unseen": 1}))
    assert done == list(range(1, 4 * len(CLASSES) + 1))
    return folder


@pytest.mark.parametrize(("part", "count"), [("dataset/train", 2), ("dataset/valid", 1), ("unseen", 1)])
def test_each_part_has_its_pictures_of_each_class(folder, part, count):
    assert sorted(path.name for path in (folder / part).iterdir()) == sorted(CLASSES)
    for name in CLASSES:
        images = sorted((folder / part / name).iterdir())
        assert [path.suffix for path in images] == [".png"] * count
        assert cv2.imread(str(images[0])).shape == (STFT.image_size, STFT.image_size, 3)


def test_no_two_pictures_are_the_same(folder):
    contents = [path.read_bytes() for path in folder.rglob("*.png")]
    assert len(contents) == 4 * len(CLASSES)
    assert len(set(contents)) == len(contents)


def test_one_recording_of_each_class_stays_and_gives_its_picture(folder):
    recordings = sorted(folder.glob("recordings/*/*.iq"))
    assert [path.parent.name for path in recordings] == sorted(CLASSES)
    path = recordings[0]
    drawn = next(pictures(open_recording(path, sample_rate_hz=20e6), STFT)).image
    saved = cv2.imread(str(folder / "unseen" / path.parent.name / f"{path.stem}_0.png"), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(drawn, saved)


def test_the_data_set_says_how_its_pictures_were_made(folder):
    content = yaml.safe_load((folder / "dataset" / "dataset.yaml").read_text())
    assert StftSettings.model_validate(content["stft"]) == STFT
