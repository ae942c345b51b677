"""What each method does to a picture, and the files it becomes."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from preprocessing.augment import augment, change
from preprocessing.pipeline.worker import Item
from rfuav_ray.api.requests import AUGMENTATION_METHODS
from rfuav_ray.errors import RunError


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(3)
    return cv2.GaussianBlur(rng.integers(0, 256, (64, 48, 3), dtype=np.uint8), (0, 0), 2)


@pytest.mark.parametrize("method", AUGMENTATION_METHODS)
def test_augment_a_method_changes_the_picture_and_the_seed_decides_how(picture, method):
    changed = change(picture, method, seed=1)
    assert changed.shape == picture.shape and changed.dtype == np.uint8
    assert not np.array_equal(changed, picture)
    assert np.array_equal(change(picture, method, seed=1), changed)
    if method != "CLAHE":  # has nothing that is left to chance
        assert any(not np.array_equal(change(picture, method, seed=seed), changed) for seed in range(2, 6))


def test_augment_the_noise_has_the_variance_of_the_contract():
    grey = np.full((200, 200, 3), 128, np.uint8)
    variances = [np.var(change(grey, "GaussNoise", seed=seed).astype(float) - 128) for seed in range(12)]
    assert 90 < min(variances) < max(variances) < 520


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (13, 13, 3)])
@pytest.mark.parametrize("method", AUGMENTATION_METHODS)
def test_augment_tiny_pictures_are_no_problem(shape, method):
    assert change(np.full(shape, 90, np.uint8), method, seed=0).shape == shape


def test_augment_an_image_becomes_itself_and_one_for_each_method(tmp_path, picture):
    assert cv2.imwrite(str(tmp_path / "a b.png"), picture)
    item = Item("a b.png", "train/x/a b.png")
    augment(item, tmp_path / "out", source=tmp_path, methods=AUGMENTATION_METHODS, seed=5)
    made = tmp_path / "out" / "train" / "x"
    assert {file.name for file in made.iterdir()} == {
        f"a b_{what}.png" for what in (*AUGMENTATION_METHODS, "origin")
    }
    assert (made / "a b_origin.png").read_bytes() == (tmp_path / "a b.png").read_bytes()


def test_augment_files_depend_on_seed_and_name_alone(tmp_path, picture):
    for name in ("one.jpg", "two.jpg"):
        assert cv2.imwrite(str(tmp_path / name), picture)

    def made(name, seed, methods):
        folder = tmp_path / f"{seed}{len(methods)}"
        augment(Item(name, name), folder, source=tmp_path, methods=methods, seed=seed)
        return (folder / f"{name[:-4]}_GaussNoise.jpg").read_bytes()

    alone = made("one.jpg", 5, ["GaussNoise"])
    assert made("one.jpg", 5, ["Sharpen", "GaussNoise"]) == alone
    assert made("two.jpg", 5, ["GaussNoise"]) != alone
    assert made("one.jpg", 6, ["GaussNoise"]) != alone


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_augment_grey_deep_and_transparent_images_become_colour_images(tmp_path, depth, channels):
    pixels = np.full((20, 20, channels), np.iinfo(depth).max // 2, depth)
    assert cv2.imwrite(str(tmp_path / "i.png"), pixels)
    augment(Item("i.png", "i.png"), tmp_path / "out", source=tmp_path, methods=["Sharpen"], seed=0)
    changed = cv2.imread(str(tmp_path / "out" / "i_Sharpen.png"), cv2.IMREAD_UNCHANGED)
    assert changed.shape == (20, 20, 3) and changed.dtype == np.uint8


def test_augment_of_an_unreadable_image_nothing_is_made(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"\x89PNG and no more")
    with pytest.raises(RunError, match=r"bad\.png"):
        augment(Item("bad.png", "bad.png"), tmp_path / "out", source=tmp_path, methods=["CLAHE"], seed=0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", [".tif", ".TIFF", ".webp", ".bmp"])
def test_augment_every_format_is_written_as_it_was(tmp_path, picture, suffix):
    assert cv2.imwrite(str(tmp_path / f"i{suffix}"), picture)
    item = Item(f"i{suffix}", f"i{suffix}")
    augment(item, tmp_path / "out", source=tmp_path, methods=["Sharpen"], seed=0)
    changed = cv2.imread(str(tmp_path / "out" / f"i_Sharpen{suffix}"))
    assert changed is not None and changed.shape == picture.shape
    assert not np.array_equal(changed, picture)


def test_augment_augmenting_needs_no_pytorch():
    code = (
        "import sys, numpy; from preprocessing.augment import change;"
        "change(numpy.zeros((8, 8, 3), numpy.uint8), 'CLAHE', 0); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120, check=False).returncode == 0
