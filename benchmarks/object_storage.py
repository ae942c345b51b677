"""A split and a training of a data set in a bucket and on a local disk: seconds, memory, and the copies' size.

`python -m benchmarks.object_storage [IMAGES]`. The storage is moto's server, a Python program on the same machine:
what it answers in a second bounds what is copied.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
from pyarrow.fs import S3FileSystem
from rich.console import Console
from rich.table import Table

from benchmarks.memory import memory_sampled, sampled
from benchmarks.service import http
from rfuav_ray.client import RFUAVClient
from rfuav_ray.machine.ports import free_port
from tests.support.object_storage import environment_of
from tests.support.service_process import ServiceProcess

IMAGES, CLASSES, SIDE, DIFFERENT = 100_000, 10, 64, 400
WITHIN_S = 3600
SAMPLE_EVERY_S = 1
CACHE_SAMPLE_EVERY_S = 15
#: What a step reads fits into the cache once, and what an earlier step has read must go.
CACHE_OF_INPUTS = 1.3


@contextmanager
def moto_server() -> Iterator[str]:
    """The URL of an S3 in a process of its own."""
    port = free_port()
    arguments = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            while True:
                try:
                    http.get(url)
                    break
                except httpx2.ConnectError:
                    assert process.poll() is None, "moto's server has ended"
                    time.sleep(0.2)
            yield url
        finally:
            process.terminate()


def make(folder: Path, count: int) -> None:
    """Write JPEGs of noise into class folders. Most are hard links to the first ones."""
    numbers = np.random.default_rng(0)
    for image in range(count):
        path = folder / f"class{image % CLASSES}" / f"r{image:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if image < DIFFERENT:
            picture = numbers.normal(110, 30, (SIDE, SIDE, 3)).clip(0, 255).astype(np.uint8)
            assert cv2.imwrite(str(path), picture)
        else:
            first = image % DIFFERENT
            os.link(folder / f"class{first % CLASSES}" / f"r{first:06}.jpg", path)


def upload(folder: Path, storage: S3FileSystem, prefix: str) -> None:
    def put(path: Path) -> None:
        with storage.open_output_stream(f"{prefix}/{path.relative_to(folder)}") as stream:
            stream.write(path.read_bytes())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, sorted(folder.rglob("*.jpg"))))


def disk_mb(folder: Path) -> float:
    """What files take. Those with several names count once."""
    sizes = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                entry = (Path(parent) / name).stat()
                sizes[entry.st_ino] = entry.st_size
    return sum(sizes.values()) / 1e6


def measured(client: RFUAVClient, service: ServiceProcess, root: str, folder: Path) -> dict[str, str]:
    """Seconds of a split and of a training, and the memory of the largest process of the service meanwhile."""
    figures = {}
    runs = folder / f"runs-{root.partition(':')[0].replace('/', '')}"
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "split": lambda: client.split_dataset(f"{root}/raw", f"{root}/split", train_ratio=0.8),
        "training": lambda: client.start_training(
            "resnet18",
            CLASSES,
            f"{root}/split/train",
            f"{root}/split/valid",
            runs,
            num_epochs=1,
            image_size=32,
            batch_size=256,
            pretrained=False,
            device="cpu",
        ),
    }
    for name, start in steps.items():
        started_s = time.monotonic()
        with memory_sampled(service.processes, every_s=SAMPLE_EVERY_S) as samples:
            task = client.wait(start()["task_id"], timeout=WITHIN_S)
        assert task["status"] == "completed", task
        figures[f"{name}: s"] = f"{time.monotonic() - started_s:.0f}"
        figures[f"{name}: the largest process, MB"] = f"{max(megabytes for *_, megabytes in samples):.0f}"
        for entry in client.get_logs(task["task_id"]):
            if "object" in entry["message"] or entry["level"] == "WARNING":
                print(f"  {name}: {entry['message']}", flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=int, nargs="?", default=IMAGES)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory(prefix="bench-") as name, moto_server() as url:
        folder = Path(name)
        make(folder / "raw", images)
        os.environ |= environment_of(url)
        storage = S3FileSystem(endpoint_override=url, allow_bucket_creation=True)
        storage.create_dir("lab")
        started_s = time.monotonic()
        upload(folder / "raw", storage, "lab/raw")
        objects_mb = sum(path.stat().st_size for path in (folder / "raw").rglob("*.jpg")) / 1e6
        print(
            f"{images} objects of {objects_mb:.0f} MB were written in {time.monotonic() - started_s:.0f} s.",
            flush=True,
        )
        cache, room_mb = folder / "cache", CACHE_OF_INPUTS * objects_mb
        settings = {"data_roots": f"{folder},s3://lab", "cache_dir": cache, "cache_gb": room_mb / 1000}
        with ServiceProcess(folder / "service", folder, **settings) as service:
            service.start()
            with RFUAVClient(service.url) as client:
                with sampled(lambda: [disk_mb(cache / "objects")], every_s=CACHE_SAMPLE_EVERY_S) as sizes_mb:
                    in_bucket = measured(client, service, "s3://lab", folder)
                in_bucket[f"most copies (CACHE_GB: {room_mb:.0f}), MB"] = f"{max(sizes_mb, default=0):.0f}"
                local = measured(client, service, str(folder), folder)
    table = Table("measurement", "in a bucket", "on a local disk")
    for figure, value in in_bucket.items():
        table.add_row(figure, value, local.get(figure, ""))
    Console().print(table)


if __name__ == "__main__":
    main()
