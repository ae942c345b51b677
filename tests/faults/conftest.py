"""What all rounds share."""

import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from tests.faults.results import Results
from tests.support.extent import SEED
from tests.support.live_service import dataset, own_service, root, training
from tests.support.workload import World

__all__ = ["dataset", "own_service", "root", "training"]


@pytest.fixture(scope="session", autouse=True)
def _end_in_order():
    """SIGTERM, which a time limit of others sends, ends the services too, as ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def world():
    """The data of all rounds, and the only folder that their services may use."""
    root = Path(tempfile.mkdtemp(prefix="faults-"))
    yield World(root)
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def results():
    found = Results()
    yield found
    print(f"\nFAULT_SEED={SEED}")
    found.show()
