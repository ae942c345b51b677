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
