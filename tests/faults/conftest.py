"""What all rounds share."""

import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from tests.faults.extent import CAPS, SEED
from tests.faults.results import Results
from tests.faults.service_process import ServiceProcess
from tests.faults.tasks import wait_for_ends
from tests.faults.workload import World, outcome, submit


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
def undisturbed(world):
    """What each sort of job leaves behind when nothing dies."""
    output = world.root / "undisturbed"
    jobs = {job.sort: job for job in world.long_jobs(output) + world.waiting_jobs(output)}
    with ServiceProcess(output / "service", world.root, **CAPS) as service:
        service.start()
        by_id = submit(service.url, list(jobs.values()))
        tasks = wait_for_ends(service, by_id)
        assert {task["status"] for task in tasks.values()} == {"completed"}, tasks
        return {job.sort: outcome(job, tasks[task_id]) for task_id, job in by_id.items()}


@pytest.fixture(scope="session")
def results():
    found = Results()
    yield found
    print(f"\nFAULT_SEED={SEED}")
    found.show()
