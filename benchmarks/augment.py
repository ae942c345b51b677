"""Augment 640×640 JPEGs by all six methods, through Ray Data on all cores.

Beside it the same work as the service before this one did it: one image after the other, which is read and
written for each method.
"""

import tempfile
import time
from pathlib import Path

import cv2

from benchmarks.figures import Figure, compared, run_alone
from benchmarks.images import make_jpegs
from benchmarks.preprocessing import run_s, workers
from preprocessing import augment
from rfuav_ray.requests import AUGMENTATION_METHODS, DataAugmentationRequest

IMAGES, IMAGES_BEFORE = 400, 40
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
                before.append(WRITTEN_EACH * IMAGES_BEFORE / _as_before_s(pictures, folder))
    work = "augment by six methods, 640 px"
    return compared(work, "images written", written, "one after the other", before, must=MUST, times=TIMES)


def _as_before_s(pictures: Path, folder: Path) -> float:
    started_s = time.perf_counter()
    for path in sorted(pictures.iterdir())[:IMAGES_BEFORE]:
        for method in AUGMENTATION_METHODS:
            image = cv2.imread(str(path))
            cv2.imwrite(str(folder / "changed.jpg"), augment.change(image, method, seed=1))
            cv2.imwrite(str(folder / "origin.jpg"), image)
    return time.perf_counter() - started_s


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3)
