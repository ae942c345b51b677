"""A small inference, and three threads for it."""

import pytest
import torch

from tests.support.inference_runs import Run


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


@pytest.fixture
def three_threads():
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def model_knows_spectrograms(run):
    """The config of the run's model says how its spectrograms were made."""
    run.knows_spectrograms()
