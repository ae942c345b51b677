"""Parts of the service that stand still for a while (SIGSTOP), and a run that never works again."""

import json
import os
import signal
import time
from collections.abc import Iterator

import httpx2
import psutil
import pytest

from rfuav_ray.client import RFUAVClient
from tests.support.epochs import epochs_reported, wait_for_epoch
from tests.support.extent import IS_SHORT
from tests.support.processes import stopped
from tests.support.service_process import ServiceProcess

#: the long form is longer than the checks of Ray and Serve wait
STANDS_S = 8 if IS_SHORT else 30
#: longer than a run needs on a busy machine from its start to its first batch
SILENCE_S = 15
EPOCHS = 12

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def service(tmp_path_factory, root) -> Iterator[ServiceProcess]:
    with ServiceProcess(tmp_path_factory.mktemp("service"), root, run_silence_s=SILENCE_S) as service:
        service.start()
        yield service


@pytest.fixture
def client(service) -> Iterator[RFUAVClient]:
    with RFUAVClient(service.url) as client:
        yield client


def see_it_run(client: RFUAVClient, task_id: str, seconds: float) -> None:
    """The task runs, and reads are answered, all this time."""
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        assert client.get_task(task_id)["status"] == "running"


def numbers_of(url: str) -> list[int]:
    """The numbers of all events of a stream, up to its last one."""
    with httpx2.stream("GET", url, timeout=120) as answer:
        lines = list(answer.iter_lines())
    assert json.loads(lines[-2].removeprefix("data: "))["status"] == "completed"
    return [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]


@pytest.mark.parametrize("title", ["ray::TaskManager", "ray::MetricsActor"])
def test_service_loses_nothing_while_an_actor_stands_still(service, client, training, title):
    task_id = client.start_training(**training(num_epochs=EPOCHS))["task_id"]
    run = wait_for_epoch(client, task_id, 2)
    with stopped(service.find(title)):
        see_it_run(client, task_id, STANDS_S)
    assert client.wait(task_id, timeout=120)["status"] == "completed"
    assert epochs_reported(client, task_id) == list(range(1, EPOCHS + 1))
    numbers = numbers_of(f"{service.url}/api/v2/training/{task_id}/logs")
    assert numbers == list(range(1, len(numbers) + 1))
    started = [entry for entry in client.get_logs(task_id) if "started in process" in entry["message"]]
    assert len(started) == 1 and str(run) in started[0]["message"]


def test_hung_run_is_killed_and_tried_again(client, training):
    task_id = client.start_training(**training(num_epochs=EPOCHS))["task_id"]
    os.kill(wait_for_epoch(client, task_id, 2), signal.SIGSTOP)
    assert client.wait(task_id, timeout=120)["status"] == "completed"
    assert epochs_reported(client, task_id) == list(range(1, EPOCHS + 1))
    messages = [entry["message"] for entry in client.get_logs(task_id)]
    reason = f"The run showed no sign of life for {SILENCE_S} s (RUN_SILENCE_S). Queued again: retry 1 of 2."
    assert reason in messages


def test_run_that_stands_still_for_a_moment_continues(client, training):
    task_id = client.start_training(**training(num_epochs=EPOCHS))["task_id"]
    with stopped(psutil.Process(wait_for_epoch(client, task_id, 2))):
        see_it_run(client, task_id, SILENCE_S / 3)
    assert client.wait(task_id, timeout=120)["status"] == "completed"
    assert not any("Queued again" in entry["message"] for entry in client.get_logs(task_id))
