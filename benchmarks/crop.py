"""Crop 640×640 JPEGs, with Ray Data on all cores. The runs alternate with the method of the original service."""

import tempfile
from pathlib import Path

from benchmarks import original_way
from benchmarks.figures import Figure, compared, run_alone
from benchmarks.images import make_jpegs
from benchmarks.own_process import in_own_process
from benchmarks.preprocessing import run_s, workers
from preprocessing import crop
from rfuav_ray.api.requests import ImageCropRequest

IMAGES = 6000
RECTANGLE = {"x": 100, "y": 100, "width": 500, "height": 500}
#: Twice the measured rate of the original service. The ratio to `original_way` has no bound: that method keeps one
#: core busy, so two cores are at most twice as fast, less the time for start, end and flush.
MUST = 2 * 230.0


def measure(runs: int = 3) -> list[Figure]:
    cropped, before = [], []
    with tempfile.TemporaryDirectory() as name, workers() as on:
        folder = Path(name)
        pictures = folder / "many"
        make_jpegs(pictures, IMAGES)
        for run in range(runs + 1):
            request = ImageCropRequest(
                input_path=str(pictures), output_path=str(folder / f"cropped{run}"), **RECTANGLE
            )
            seconds = run_s(crop.run, request, on)
            if run > 0:  # the first run also starts the workers
                cropped.append(IMAGES / seconds)
                output = folder / f"before{run}"
                before.append(in_own_process(original_way.crop_images_per_s, pictures, output, **RECTANGLE))
    return compared("crop, 640 px", "images", cropped, before, must=MUST)


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3)
