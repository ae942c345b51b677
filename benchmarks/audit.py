"""Audit data sets of 20,000 and 100,000 small spectrogram-like images: seconds, and memory while they are read.

`python -m benchmarks.audit [IMAGES ...] [--folder FOLDER]`
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import psutil

from benchmarks.own_process import in_own_process
from rfuav_ray.api.requests import AuditRequest
from rfuav_ray.api.results import AuditStats
from rfuav_ray.audit.run import audit
from rfuav_ray.events import RunEvent

SIDE, CLASSES, IMAGES_OF_A_RECORDING = 96, 20, 50
SCENES = 500
COUNTS = (20_000, 100_000)


def make(folder: Path, count: int) -> None:
    """Write JPEGs, four fifths into train. Those of a recording have its lines and noise of their own."""
    numbers = np.random.default_rng(0)
    lines = numbers.normal(110, 25, (SCENES, SIDE, 1)).clip(0, 255)
    for image in range(count):
        recording = image // IMAGES_OF_A_RECORDING
        part = "valid" if recording // CLASSES % 5 == 4 else "train"
        path = folder / part / f"class{recording % CLASSES}" / f"r{recording}_{image:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = lines[recording % SCENES] + numbers.normal(0, 20, (SIDE, SIDE))
        path.write_bytes(cv2.imencode(".jpg", picture.clip(0, 255).astype(np.uint8))[1].tobytes())


def measured(folder: Path) -> tuple[float, list[float], float, float, AuditStats]:
    """Seconds, memory in MB when each tenth of the images is read, the most at any time, the longest gap between
    reports in seconds, and the numbers."""
    reports_s = [time.monotonic()]
    memory_mb = []

    def report(event: RunEvent) -> None:
        reports_s.append(time.monotonic())
        if event.message.endswith("images read."):
            memory_mb.append(psutil.Process().memory_info().rss / 2**20)

    result = audit(AuditRequest(dataset_path=str(folder)), save_path=folder / "out", report=report)
    gaps_s = np.diff(reports_s)
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return reports_s[-1] - reports_s[0], memory_mb, most_mb, float(gaps_s.max()), result["stats"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=int, nargs="*", default=COUNTS)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    for count in arguments.images:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
            make(Path(name), count)
            seconds, memory_mb, most_mb, gap_s, stats = in_own_process(measured, Path(name))
        print(f"{count} images: {seconds:.1f} s, reports every {gap_s:.1f} s at most")
        tenths = " ".join(f"{memory:.0f}" for memory in memory_mb)
        print(f"  MB at each tenth of the images: {tenths}; at most {most_mb:.0f}, when they are compared")
        print(f"  {stats['verdict']}, {stats['near_duplicates']} look-alikes: {' '.join(stats['sentences'])}")


if __name__ == "__main__":
    main()
