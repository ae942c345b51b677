"""A model that knows two signals, and clean recordings of them."""

import os
import shutil

import pytest

from rfuav_ray.evaluation import intervals
from rfuav_ray.evaluation.data import simulated
from tests.support.evaluation_runs import Evaluation, add_recording


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Made once: a model, and two clean recordings of each of its classes."""
    evaluation = Evaluation(tmp_path_factory.mktemp("evaluation"))
    for number in range(2):
        for label in (0, 1):
            add_recording(evaluation.data, f"r{number}", label, snr_db=40, seed=number)
    return evaluation


@pytest.fixture
def evaluation(made, tmp_path, monkeypatch):
    """An own folder with the model and its data. Few unknown signals are simulated, and few resamples drawn."""
    monkeypatch.setattr(simulated, "SCENES", 3)
    monkeypatch.setattr(intervals, "RESAMPLES", 30)
    folder = tmp_path / "evaluation"
    shutil.copytree(made.folder, folder, copy_function=os.link)
    return made.moved(folder)
