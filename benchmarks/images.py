"""Synthetic images of smooth noise. Decoding takes as long as for a spectrogram, unlike white noise."""

import os
from pathlib import Path

import cv2
import numpy as np

#: further images are hard links to these
DIFFERENT_IMAGES = 400


def make_jpegs(folder: Path, count: int, *, side: int = 640) -> None:
    """Write `count` JPEGs of `side` × `side` pixels to a new folder."""
    folder.mkdir(parents=True)
    coarse = np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8)
    picture = cv2.resize(coarse, (side, side))
    for number in range(min(count, DIFFERENT_IMAGES)):
        assert cv2.imwrite(str(folder / f"{number:05}.jpg"), np.roll(picture, number, axis=1))
    for number in range(DIFFERENT_IMAGES, count):
        os.link(folder / f"{number % DIFFERENT_IMAGES:05}.jpg", folder / f"{number:05}.jpg")


def make_dataset(folder: Path, *, train: int, val: int, classes: int = 2, side: int = 640) -> None:
    """Write `train/` and `val/` with class folders. `train` and `val` are the image counts over all classes."""
    for part, count in (("train", train), ("val", val)):
        for label in range(classes):
            make_jpegs(folder / part / f"class-{label}", count // classes, side=side)
