"""Augment 640×640 JPEGs by all six methods, through Ray Data on all cores.

Beside it the same work as the service before this one did it: one image after the other, which is read and
written for each method.
"""

import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks.figures import Figure, compared, run_alone
from benchmarks.images import make_jpegs
from benchmarks.own_process import in_own_process
from benchmarks.preprocessing import run_s, workers
from preprocessing import augment
from rfuav_ray.requests import AUGMENTATION_METHODS, DataAugmentationRequest

IMAGES, IMAGES_BEFORE = 1000, 100
WRITTEN_EACH = 1 + len(AUGMENTATION_METHODS)
TIMES = 2.5
MUST = TIMES * 65


def measure(runs: int = 3) -> list[Figure]:
    written, before = [], []
    with tempfile.TemporaryDirectory() as name, workers() as on:
        folder = Path(name)
        pictures = folder / "few" / "train" / "drone"
        make_jpegs(pictures, IMAGES)
        for run in range(runs + 1):
            request = DataAugmentationRequest(
                dataset_path=str(folder / "few"), output_path=str(folder / f"augmented{run}")
            )
            seconds = run_s(augment.run, request, on)
            if run > 0:  # the first one starts the workers
                written.append(WRITTEN_EACH * IMAGES / seconds)
                before_s = in_own_process(_as_before_s, pictures, folder / f"before{run}")
                before.append(WRITTEN_EACH * IMAGES_BEFORE / before_s)
    work = "augment by six methods, 640 px"
    return compared(work, "images written", written, "one after the other", before, must=MUST, times=TIMES)


def _as_before_s(pictures: Path, output: Path) -> float:
    output.mkdir()
    for method in AUGMENTATION_METHODS:  # loads the library
        augment.change(np.zeros((64, 64, 3), np.uint8), method, seed=1)
    started_s = time.perf_counter()
    for seed, path in enumerate(sorted(pictures.iterdir())[:IMAGES_BEFORE]):
        for method in AUGMENTATION_METHODS:
            image = cv2.imread(str(path))
            cv2.imwrite(str(output / f"{path.stem}_{method}.jpg"), augment.change(image, method, seed))
            cv2.imwrite(str(output / f"{path.stem}_origin.jpg"), image)
    return time.perf_counter() - started_s


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3)
