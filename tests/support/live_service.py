"""One Ray and one service for the whole session: the real actors, the real API, on a free port.

The two GPUs are logical: they exist for Ray's and the task manager's bookkeeping, runs on them compute on the CPU.
"""

import os
import subprocess
import sys
import uuid

import numpy as np
import pytest
import ray

from actors.ray_internals import variables
from rfuav_ray.api.kinds import lists
from rfuav_ray.client import RFUAVClient
from rfuav_ray.demo.service import wait_until_healthy
from rfuav_ray.machine.ports import free_port
from rfuav_ray.settings import Settings
from serve_app import app, service_actors
from serve_app.ingress.choice import ingress
from tests.support.images import CLASSES, write_image

#: the fixtures; a conftest takes all of them
__all__ = ["client", "dataset", "inference", "log_file", "own_service", "root", "service", "trained", "training"]


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """The folder that requests may name."""
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="session")
def log_file(tmp_path_factory):
    """LOG_FILE of the service."""
    return tmp_path_factory.mktemp("logs") / "app.log"


@pytest.fixture(scope="session")
def service(root, tmp_path_factory, log_file):
    """The URL of a running service."""
    # Sockets live below it, and their paths must be short.
    settings = Settings(
        _env_file=None,
        port=free_port(),
        state_dir=tmp_path_factory.mktemp("state"),
        log_file=log_file,
        data_roots=(root,),
        max_training_concurrent_gpu=1,
        max_inference_concurrent_gpu=1,
        max_run_retries=1,
    )
    with ingress(settings.host, settings.state_dir) as found:
        with variables.environment(variables.OF_SERVICE | found.environment):
            ray.init(address="local", num_cpus=2, num_gpus=2, include_dashboard=False, log_to_driver=False)
        try:
            _, actors = service_actors.start_actors(settings)
            app.deploy(settings, found.serve_host, actors, [found.notice] if found.notice else [])
            yield f"http://127.0.0.1:{settings.port}"
            ray.serve.shutdown()
            service_actors.stop_actors()
        finally:
            ray.shutdown()


@pytest.fixture
def client(service):
    """A client; what it started and nobody waited for is cancelled at the end."""
    with RFUAVClient(service) as rfuav_client:
        yield rfuav_client
        for status in ("pending", "running"):
            tasks = rfuav_client.get_all_tasks(status=status, limit=1000)
            for task in (task for name in lists() for task in tasks[f"{name}_tasks"]):
                rfuav_client.cancel_task(task["task_id"])
                rfuav_client.wait(task["task_id"], timeout=60)
        rfuav_client.update_resource_config(
            max_concurrent={"cpu": {"training": 2, "inference": 4}, "cuda": {"training": 1, "inference": 1}}
        )


@pytest.fixture(scope="session")
def dataset(root):
    """Two classes that a small network tells apart: stripes across and stripes down, with noise."""
    rng = np.random.default_rng(1)
    for part, count in (("train", 12), ("val", 5)):
        for name in CLASSES:
            for index in range(count):
                write_image(root / "dataset" / part / name / f"{index}.png", name, rng)
    return root / "dataset"


@pytest.fixture(scope="session")
def training(dataset, root):
    """The fields of a training that takes a second or two; keyword arguments change them."""

    def fields(**changes):
        return {
            "model": "mobilenet_v3_small",
            "num_classes": 2,
            "train_path": str(dataset / "train"),
            "val_path": str(dataset / "val"),
            "save_path": str(root / "runs"),
            "name": uuid.uuid4().hex,
            "num_epochs": 1,
            "batch_size": 8,
            "learning_rate": 0.001,
            "image_size": 32,
            "device": "cpu",
            "pretrained": False,
        } | changes

    return fields


@pytest.fixture
def own_service(root, tmp_path):
    """Start `rfuav serve` as a user would, with these settings; every process that was started is ended.

    Another `program` takes the place of `rfuav`.
    """
    processes = []
    port = free_port()
    environment = os.environ | {
        "RFUAV_PORT": str(port),
        "RFUAV_STATE_DIR": str(tmp_path / "state"),
        "RFUAV_LOG_FILE": str(tmp_path / "app.log"),
        "RFUAV_DATA_ROOTS": str(root),
    }

    def start(program=(sys.executable, "-m", "serve_app"), **settings):
        log = (tmp_path / "output.txt").open("a")
        process = subprocess.Popen(
            [*program, "serve"],
            env=environment | {f"RFUAV_{name.upper()}": str(value) for name, value in settings.items()},
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
        processes.append(process)
        client = RFUAVClient(f"http://127.0.0.1:{port}{settings.get('route_prefix', '')}")
        wait_until_healthy(client, process, tmp_path / "output.txt")
        return process, client

    yield start
    for process in processes:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="session")
def trained(service, training, root):
    """The result of a training that every inference test can use."""
    fields = training(model="resnet18", save_path=str(root / "trained"), name=None, num_epochs=6, batch_size=4)
    with RFUAVClient(service) as rfuav_client:
        task = rfuav_client.start_training(**fields)
        ended = rfuav_client.wait(task["task_id"], timeout=120)
    assert ended["status"] == "completed", ended
    return ended


@pytest.fixture(scope="session")
def inference(trained, dataset):
    """The fields of an inference with the trained model; keyword arguments change them."""
    files = trained["result"]["files"]

    def fields(**changes):
        return {
            "cfg_path": files["config"],
            "weight_path": files["best_model"],
            "source_path": str(dataset / "val"),
            "device": "cpu",
        } | changes

    return fields
