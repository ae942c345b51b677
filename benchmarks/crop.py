"""Crop 640×640 JPEGs, through Ray Data on all cores; beside it one image after the other."""

import tempfile
import time
from pathlib import Path

import cv2

from benchmarks.figures import Figure, compared, run_alone
from benchmarks.images import make_jpegs
from benchmarks.own_process import in_own_process
from benchmarks.preprocessing import run_s, workers
from preprocessing import crop
from rfuav_ray.requests import ImageCropRequest

IMAGES, IMAGES_BEFORE = 6000, 600
TIMES = 2.0
MUST = TIMES * 230


def measure(runs: int = 3) -> list[Figure]:
    cropped, before = [], []
    with tempfile.TemporaryDirectory() as name, workers() as on:
        folder = Path(name)
        make_jpegs(folder / "many", IMAGES)
        for run in range(runs + 1):
            request = ImageCropRequest(
                input_path=str(folder / "many"),
                output_path=str(folder / f"cropped{run}"),
                x=100,
                y=100,
                width=500,
                height=500,
            )
            seconds = run_s(crop.run, request, on)
            if run > 0:  # the first one starts the workers
                cropped.append(IMAGES / seconds)
                before_s = in_own_process(_as_before_s, folder / "many", folder / f"before{run}")
                before.append(IMAGES_BEFORE / before_s)
    return compared("crop, 640 px", "images", cropped, "one after the other", before, must=MUST, times=TIMES)


def _as_before_s(pictures: Path, output: Path) -> float:
    output.mkdir()
    started_s = time.perf_counter()
    for path in sorted(pictures.iterdir())[:IMAGES_BEFORE]:
        cv2.imwrite(str(output / path.name), cv2.imread(str(path))[100:600, 100:600])
    return time.perf_counter() - started_s


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3)
