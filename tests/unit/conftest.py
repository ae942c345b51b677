"""Fixtures of several modules: a remote service of the client's, and trainings that end."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rfuav_ray.client import RFUAVClient
from tests.support.fake_service import NO_WAIT, running_service
from tests.support.postgres_server import postgres  # noqa: F401
from tests.support.store_samples import url  # noqa: F401
from tests.support.training_runs import CLASSES, Run, make_images


@pytest.fixture
def service():
    with running_service() as running:
        yield running


@pytest.fixture
def client(service):
    with RFUAVClient(service.url, retry_delays_s=NO_WAIT) as client:
        yield client


@pytest.fixture
def no_utf8_folder(tmp_path: Path) -> Path:
    """A folder in `tmp_path` whose name is not UTF-8."""
    name = os.fsencode(tmp_path) + b"/caf\xe9"
    try:
        os.mkdir(name)  # noqa: PTH102
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    return Path(os.fsdecode(name))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Threads that share cores with other work wait for each other longer than these small models compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 training images make three batches of 4 and one of 2."""
    folder = tmp_path_factory.mktemp("data")
    make_images(folder / "train", CLASSES, 5)
    (folder / "train" / CLASSES[0] / "train2_0.png").unlink()
    make_images(folder / "val", CLASSES, 3)
    return folder


@pytest.fixture(scope="module")
def mobilenet_run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(data, tmp_path_factory.mktemp("mobilenet"), num_epochs=3)


@pytest.fixture(scope="module")
def resnet_run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(data, tmp_path_factory.mktemp("resnet"), model="resnet18", num_epochs=3)
