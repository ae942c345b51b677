"""A run that takes the memory ends alone, with its reason. Other runs and every actor live."""

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from rfuav_ray.client import RFUAVClient
from rfuav_ray.machine.memory import node_memory
from tests.support.epochs import wait_for_epoch
from tests.support.images import CLASSES, write_image
from tests.support.service_process import ServiceProcess, title_of

pytestmark = [
    pytest.mark.security,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="the memory guard works on Linux alone"),
    pytest.mark.skipif(node_memory().available_bytes < 8 * 2**30, reason="8 GiB of memory must be free"),
]
GROUP_BYTES = 4 * 2**30
LIMIT_BYTES = 1.2 * 2**30
#: pixels of a side; an image may have 100 million pixels
LARGE = 10_000
ACTORS = (
    "ray::TaskManager",
    "ray::RunSupervisor",
    "ray::MetricsActor",
    "ray::rfuav node monitor",
    "ray::ServeReplica",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(1)
    for part, count in (("train", 40), ("val", 4)):
        for name in CLASSES:
            for number in range(count):
                write_image(folder / part / name / f"{number}.png", name, rng)
    return folder


@pytest.fixture(scope="module")
def service(data, tmp_path_factory):
    limit = LIMIT_BYTES / node_memory().total_bytes
    settings = {"run_memory_limit": limit, "max_training_concurrent_cpu": 3, "max_run_retries": 1}
    with ServiceProcess(tmp_path_factory.mktemp("service"), data, **settings) as found:
        found.start()
        yield found


def fields(data, name, **changes):
    return {
        "model": "mobilenet_v3_small",
        "num_classes": len(CLASSES),
        "train_path": str(data / "train"),
        "val_path": str(data / "val"),
        "save_path": str(data / "runs"),
        "name": name,
        "num_epochs": 5000,
        "batch_size": 8,
        "image_size": 32,
        "device": "cpu",
        "pretrained": False,
    } | changes


def actors(service):
    return {process.pid for process in service.processes() if title_of(process).startswith(ACTORS)}


def test_run_that_allocates_ends_alone(service, data):
    with RFUAVClient(service.url) as client:
        others = [client.start_training(**fields(data, name))["task_id"] for name in ("one", "two")]
        processes = {task: wait_for_epoch(client, task, 1) for task in others}
        before = actors(service)
        assert len(before) >= len(ACTORS)
        eater = client.start_training(**fields(data, "eater", model="resnet50", batch_size=64, image_size=512))
        ended = client.wait(eater["task_id"], timeout=300)
        assert ended["status"] == "failed"
        assert re.fullmatch(
            r"The run used \d\.\d+ GiB of memory, the limit is 1\.2 GiB \(RUN_MEMORY_LIMIT=0\.\d+ of .*",
            ended["error"],
        )
        messages = [entry["message"] for entry in client.get_logs(eater["task_id"])]
        assert sum("Queued again: retry 1 of 1" in message for message in messages) == 1
        log = (service.log.parent / "app.log").read_text()
        assert len(re.findall(rf"WARNING .*task {eater['task_id']}: The run used .* Queued again", log)) == 1
        # Nothing else has ended.
        assert actors(service) == before
        for task, process in processes.items():
            assert psutil.Process(process).is_running()
            assert client.get_task(task)["status"] == "running"
            client.cancel_task(task)
            client.wait(task, timeout=60)


def test_two_runs_that_allocate_at_once_end_both(service, data):
    eats = {"model": "resnet50", "batch_size": 64, "image_size": 512}
    with RFUAVClient(service.url) as client:
        before = actors(service)
        eaters = [client.start_training(**fields(data, name, **eats))["task_id"] for name in ("third", "fourth")]
        for task in eaters:
            ended = client.wait(task, timeout=300)
            assert ended["status"] == "failed" and "GiB of memory" in ended["error"]
        assert actors(service) == before
        assert client.health()["status"] == "healthy"


def test_preprocessing_that_allocates_ends_alone(service, data):
    pictures = data / "large"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "0.png"), np.zeros((LARGE, LARGE, 3), np.uint16))
    for number in range(1, 4):
        os.link(pictures / "0.png", pictures / f"{number}.png")
    with RFUAVClient(service.url) as client:
        before = actors(service)
        crop = client.crop_images(pictures, data / "cut", x=0, y=0, width=LARGE, height=LARGE)["task_id"]
        ended = client.wait(crop, timeout=300)
        assert ended["status"] == "failed" and "the limit is 1.2 GiB" in ended["error"]
        # Its workers are gone, and another one does its work.
        small = client.crop_images(data / "val", data / "small", x=0, y=0, width=4, height=4)["task_id"]
        assert client.wait(small, timeout=120)["status"] == "completed"
        assert actors(service) == before


@pytest.fixture
def control_group():
    """A control group of 4 GiB, in which this process is meanwhile, with all that it starts."""
    memory = Path("/sys/fs/cgroup/memory")
    v1 = memory.is_dir()
    root = memory if v1 else Path("/sys/fs/cgroup")
    group = root / f"rfuav-test-{os.getpid()}"
    listed = Path("/proc/self/cgroup").read_text().splitlines()
    own = next((line.split(":")[2] for line in listed if line.split(":")[1] == ("memory" if v1 else "")), "/")
    before = root / own.lstrip("/") if (root / own.lstrip("/")).is_dir() else root
    try:
        group.mkdir()
        (group / ("memory.limit_in_bytes" if v1 else "memory.max")).write_text(str(GROUP_BYTES))
        (group / "cgroup.procs").write_text(str(os.getpid()))
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    yield group
    (before / "cgroup.procs").write_text(str(os.getpid()))
    for process in (group / "cgroup.procs").read_text().split():
        (before / "cgroup.procs").write_text(process)
    group.rmdir()


HOG = """
import mmap, sys, time
taken = mmap.mmap(-1, int(sys.argv[1]))
for start in range(0, len(taken), mmap.PAGESIZE):
    taken[start] = 1
print("taken", flush=True)
sys.stdin.read()
"""


def test_another_program_that_takes_the_memory_costs_the_largest_run_alone(control_group, data, tmp_path):
    """Of the container in which the service runs, so that this machine keeps its own."""
    with ServiceProcess(tmp_path, data, max_training_concurrent_cpu=2, max_run_retries=0) as service:
        service.start()
        with RFUAVClient(service.url) as client:
            small = client.start_training(**fields(data, "small"))["task_id"]
            process = wait_for_epoch(client, small, 1)
            large = client.start_training(**fields(data, "large", model="resnet50", image_size=64))["task_id"]
            wait_for_epoch(client, large, 1)
            before = actors(service)
            taken = node_memory().available_bytes - 150 * 2**20
            command = [sys.executable, "-c", HOG, str(taken)]
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hog:
                ended = client.wait(large, timeout=120)
                hog.stdin.close()
            assert ended["status"] == "failed"
            assert re.match(r"The machine had 0\.\d+ of 4\.0 GiB memory left\. The run used ", ended["error"])
            assert actors(service) == before and psutil.Process(process).is_running()
            assert client.get_task(small)["status"] == "running"
