"""A model that knows two signals, and clean recordings of them."""

import shutil

import pytest

from rfuav_ray.evaluation import intervals
from rfuav_ray.evaluation.data import simulated
from tests.support.evaluation_runs import Evaluation, add_recording


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Made once: a model, and three clean recordings of each of its classes."""
    evaluation = Evaluation(tmp_path_factory.mktemp("evaluation"))
    for number in range(3):
        for label in (0, 1):
            add_recording(evaluation.data, f"r{number}", label, snr_db=40, seed=number)
    return evaluation


@pytest.fixture
def evaluation(made, tmp_path, monkeypatch):
    """An own copy of the model and its data. Few unknown signals are simulated, and few resamples are drawn."""
    monkeypatch.setattr(simulated, "SCENES", 3)
    monkeypatch.setattr(intervals, "RESAMPLES", 100)
    folder = tmp_path / "evaluation"
    shutil.copytree(made.folder, folder)
    return made.moved(folder)
