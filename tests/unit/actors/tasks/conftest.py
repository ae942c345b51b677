"""A scheduler for the tests of its decisions."""

import pytest

from actors.devices.slots import Offer
from tests.support.played_scheduler import CPU, GPU, Played


@pytest.fixture
def scheduler():
    """Make a scheduler with a CPU and GPUs, and these waiting tasks."""

    def make(*tasks, gpus=("cuda:0", "cuda:1"), memory=None):
        scheduler = Played(memory or {})
        scheduler.update_devices({"cpu": Offer(CPU)} | {gpu: Offer(GPU) for gpu in gpus})
        scheduler.wait_for(*tasks)
        return scheduler

    return make
