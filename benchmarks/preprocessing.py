"""Augment and crop of 640×640 JPEGs through Ray Data, on all cores; and the workers' memory over a large set.

Beside them the same work as the service before this one did it: one image after the other, read for each method.

`python -m benchmarks.preprocessing PICTURE.png` draws the memory over 20,000 small images.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import ray
from matplotlib.figure import Figure

from preprocessing import augment, crop
from preprocessing.pipeline import Workers
from rfuav_ray.requests import AUGMENTATION_METHODS, DataAugmentationRequest, ImageCropRequest

RUNS = 3
AUGMENTED, CROPPED = 400, 6000
AUGMENTED_BEFORE, CROPPED_BEFORE = 40, 600
DIFFERENT_IMAGES = 400
SMALL_IMAGES, SMALL_SIDE = 20_000, 64
SAMPLE_EVERY_S = 0.5


def measure() -> dict[str, list[float]]:
    written, cut, written_before, cut_before = [], [], [], []
    with tempfile.TemporaryDirectory() as name, _ray() as workers:
        folder = Path(name)
        _make_images(folder / "few" / "train" / "drone", AUGMENTED, side=640)
        _make_images(folder / "many" / "drone", CROPPED, side=640)
        for run in range(-1, RUNS):  # the first one starts the workers
            seconds = _augment(folder / "few", folder / f"augmented{run}", workers)
            written.append(7 * AUGMENTED / seconds)
            seconds = _crop(folder / "many", folder / f"cropped{run}", workers)
            cut.append(CROPPED / seconds)
            written_before.append(7 * AUGMENTED_BEFORE / _augment_as_before(folder / "few", folder))
            cut_before.append(CROPPED_BEFORE / _crop_as_before(folder / "many", folder))
    return {
        "augment by six methods, 640 px: images written/s": written[1:],
        "crop, 640 px: images/s": cut[1:],
        "augment as before: images written/s": written_before[1:],
        "crop as before: images/s": cut_before[1:],
    }


def draw_memory(picture: Path) -> None:
    """Augment many small images by all methods, and draw how much memory each worker holds."""
    with tempfile.TemporaryDirectory() as name, _ray() as workers:
        folder = Path(name)
        _make_images(folder / "small" / "train" / "drone", SMALL_IMAGES, side=SMALL_SIDE)
        with _sampling() as samples:
            seconds = _augment(folder / "small", folder / "augmented", workers)
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    for number, pid in enumerate(sorted({pid for _, pid, _ in samples}), start=1):
        axes.plot(
            [moment_s for moment_s, of, _ in samples if of == pid],
            [megabytes for _, of, megabytes in samples if of == pid],
            label=f"worker {number}",
        )
    axes.set(
        title=f"Augmenting {SMALL_IMAGES} images of {SMALL_SIDE} px by six methods in {seconds:.0f} s",
        xlabel="seconds",
        ylabel="resident memory, MB",
        ylim=(0, None),
    )
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(picture, dpi=100)


def _augment(source: Path, output: Path, workers: Workers) -> float:
    request = DataAugmentationRequest(dataset_path=str(source), output_path=str(output))
    return _seconds(augment.run, request, workers)


def _crop(source: Path, output: Path, workers: Workers) -> float:
    request = ImageCropRequest(
        input_path=str(source), output_path=str(output), x=100, y=100, width=500, height=500
    )
    return _seconds(crop.run, request, workers)


def _augment_as_before(source: Path, folder: Path) -> float:
    started_s = time.perf_counter()
    for path in islice(sorted(source.rglob("*.jpg")), AUGMENTED_BEFORE):
        for method in AUGMENTATION_METHODS:
            image = cv2.imread(str(path))
            cv2.imwrite(str(folder / "changed.jpg"), augment.change(image, method, seed=1))
            cv2.imwrite(str(folder / "origin.jpg"), image)
    return time.perf_counter() - started_s


def _crop_as_before(source: Path, folder: Path) -> float:
    started_s = time.perf_counter()
    for path in islice(sorted(source.rglob("*.jpg")), CROPPED_BEFORE):
        cv2.imwrite(str(folder / "cropped.jpg"), cv2.imread(str(path))[100:600, 100:600])
    return time.perf_counter() - started_s


def _seconds(run: Any, request: Any, workers: Workers) -> float:
    started_s = time.perf_counter()
    result = run(request, run_id="benchmark", workers=workers)
    assert result["stats"]["failed"] == 0
    return time.perf_counter() - started_s


@contextmanager
def _ray() -> Iterator[Workers]:
    ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        yield Workers(count=os.cpu_count() or 1, cpus_each=1)
    finally:
        ray.shutdown()


@contextmanager
def _sampling() -> Iterator[list[tuple[float, int, float]]]:
    """Time in seconds, process and megabytes of each worker, while the block runs."""
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


def _make_images(folder: Path, count: int, *, side: int) -> None:
    folder.mkdir(parents=True)
    coarse = np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8)
    picture = cv2.resize(coarse, (side, side))
    for number in range(min(count, DIFFERENT_IMAGES)):
        cv2.imwrite(str(folder / f"{number:05}.jpg"), np.roll(picture, number, axis=1))
    for number in range(DIFFERENT_IMAGES, count):
        os.link(folder / f"{number % DIFFERENT_IMAGES:05}.jpg", folder / f"{number:05}.jpg")


if __name__ == "__main__":
    draw_memory(Path(sys.argv[1]))
