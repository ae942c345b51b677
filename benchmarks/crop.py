"""Crop 640×640 JPEGs, through Ray Data on all cores; beside it as the original service does it, by turns."""

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
#: Twice what was measured of the original service. Its way here keeps one core busy, so that two cores make at
#: most twice as much, before the start, the end and the flush: that ratio has no bound.
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
            if run > 0:  # the first one starts the workers
                cropped.append(IMAGES / seconds)
                output = folder / f"before{run}"
                before.append(in_own_process(original_way.crop_images_per_s, pictures, output, **RECTANGLE))
    return compared("crop, 640 px", "images", cropped, before, must=MUST)


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3)
