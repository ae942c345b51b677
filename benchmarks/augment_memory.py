"""Plot the memory of each worker while 20,000 small images are augmented.

`python -m benchmarks.augment_memory docs/images/augment-memory.png`
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from matplotlib.figure import Figure

from benchmarks.images import make_jpegs
from benchmarks.memory import memory_sampled
from benchmarks.preprocessing import run_s, workers
from preprocessing import augment
from rfuav_ray.api.requests import DataAugmentationRequest

IMAGES, SIDE = 20_000, 64
SAMPLE_EVERY_S = 0.5


def draw(picture: Path) -> None:
    with tempfile.TemporaryDirectory() as name, workers() as on:
        folder = Path(name)
        make_jpegs(folder / "small" / "train" / "drone", IMAGES, side=SIDE)
        request = DataAugmentationRequest(
            dataset_path=str(folder / "small"), output_path=str(folder / "augmented")
        )
        with memory_sampled(_workers, every_s=SAMPLE_EVERY_S) as samples:
            seconds = run_s(augment.run, request, on)
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    for number, pid in enumerate(sorted({pid for _, pid, _ in samples}), start=1):
        axes.plot(
            [moment_s for moment_s, of, _ in samples if of == pid],
            [megabytes for _, of, megabytes in samples if of == pid],
            label=f"worker {number}",
        )
    axes.set(
        title=f"Augmenting {IMAGES} images of {SIDE} px by six methods in {seconds:.0f} s",
        xlabel="seconds",
        ylabel="resident memory, MB",
        ylim=(0, None),
    )
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(picture, dpi=100)


def _workers() -> Iterator[psutil.Process]:
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "MapBatches" in " ".join(process.cmdline()):
                yield process


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    draw(parser.parse_args().picture)
