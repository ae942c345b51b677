"""A temporary service for a benchmark, and requests for trainings."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil

from benchmarks.images import make_dataset
from tests.support.service_process import ServiceProcess

#: settings under which the service accepts tasks but does not start them
NOTHING_RUNS = {"max_training_concurrent_cpu": 0, "task_queue_size": 1_000_000}
#: settings that give all cores to one run
ONE_RUN = {"max_training_concurrent_cpu": 1, "max_inference_concurrent_cpu": 1}
TASK_WITHIN_S = 600
SETTLED_CPU_PERCENT = 50
SETTLED_WITHIN_S = 60
#: ignores the environment, because connections to this machine must not use a proxy
http = httpx2.Client(trust_env=False, timeout=30)


@contextmanager
def running_service(**settings: object) -> Iterator[tuple[ServiceProcess, Path]]:
    """Start a service, wait until it idles, and yield it with a folder that its requests may use."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with ServiceProcess(folder / "service", folder, **settings) as service:
            service.start()
            _wait_until_at_rest()
            yield service, folder


def _wait_until_at_rest() -> None:
    """Wait, at most a minute, until the CPU idles: the runners load PyTorch after the first answer."""
    deadline_s = time.monotonic() + SETTLED_WITHIN_S
    while psutil.cpu_percent(interval=2) > SETTLED_CPU_PERCENT and time.monotonic() < deadline_s:
        pass


def training(folder: Path, *, images: int = 4, side: int = 64, **changes: Any) -> dict[str, Any]:
    """Return a request for the training of a resnet18. The first call generates the data set in the folder."""
    data = folder / "dataset"
    if not data.exists():
        make_dataset(data, train=images, val=max(2, images // 4), side=side)
    return {
        "model": "resnet18",
        "num_classes": 2,
        "train_path": str(data / "train"),
        "val_path": str(data / "val"),
        "save_path": str(folder / "runs"),
        "device": "cpu",
        "pretrained": False,
    } | changes
