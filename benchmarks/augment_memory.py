"""Plot the memory of each worker while 20,000 small images are augmented.

`python -m benchmarks.augment_memory docs/images/augment-memory.png`
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from matplotlib.figure import Figure

from benchmarks.images import make_jpegs
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
        with _sampling() as samples:
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


@contextmanager
def _sampling() -> Iterator[list[tuple[float, int, float]]]:
    """Sample each worker while the block runs: (seconds since the start, process id, resident memory in MiB)."""
    samples: list[tuple[float, int, float]] = []
    is_over = threading.Event()

    def sample() -> None:
        started_s = time.perf_counter()
        while not is_over.wait(SAMPLE_EVERY_S):
            for process in psutil.Process().children(recursive=True):
                try:
                    if "MapBatches" in " ".join(process.cmdline()):
                        megabytes = process.memory_info().rss / 2**20
                        samples.append((time.perf_counter() - started_s, process.pid, megabytes))
                except psutil.NoSuchProcess:
                    continue

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        is_over.set()
        thread.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    draw(parser.parse_args().picture)
