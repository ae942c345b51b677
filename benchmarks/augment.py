"""Augment 640×640 JPEGs by all six methods, with Ray Data on all cores.

The runs alternate with the method of the original service.
"""

import tempfile
from pathlib import Path

from benchmarks import original_way
from benchmarks.figures import Figure, compared, run_alone
from benchmarks.images import make_jpegs
from benchmarks.own_process import in_own_process
from benchmarks.preprocessing import run_s, workers
from preprocessing import augment
from rfuav_ray.api.requests import AUGMENTATION_METHODS, DataAugmentationRequest

IMAGES = 800
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
            if run > 0:  # the first run also starts the workers
                written.append(WRITTEN_EACH * IMAGES / seconds)
                output = folder / f"before{run}"
                before.append(in_own_process(original_way.augment_written_per_s, pictures, output))
    work = "augment by six methods, 640 px"
    return compared(work, "images written", written, before, must=MUST, times=TIMES)


if __name__ == "__main__":
    run_alone(measure, __doc__, runs=3)
