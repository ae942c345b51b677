"""Trainings that have ended, made once. Tests only read them."""

from pathlib import Path

import pytest

from tests.support.threads import on_one_thread
from tests.support.training_runs import Run


@pytest.fixture(scope="session")
def mobilenet_run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    with on_one_thread():
        return Run(data, tmp_path_factory.mktemp("mobilenet"), num_epochs=3)


@pytest.fixture(scope="session")
def resnet_run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    with on_one_thread():
        return Run(data, tmp_path_factory.mktemp("resnet"), model="resnet18", num_epochs=3)
