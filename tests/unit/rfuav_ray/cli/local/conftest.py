"""A small data set."""

import cv2
import numpy as np
import pytest


@pytest.fixture
def data(tmp_path):
    """Two classes that differ in brightness."""
    rng = np.random.default_rng(0)
    for part in ("train", "valid"):
        for label, name in enumerate(("dark", "light")):
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            for index in range(4):
                picture = rng.integers(0, 100, (32, 32, 3)) + 150 * label
                cv2.imwrite(str(folder / f"{index}.png"), picture.astype(np.uint8))
    return tmp_path
