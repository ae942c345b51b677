"""SIGTERM: `rfuav serve` stops in good order, and goes on at the next start as if nothing had been."""

import json
import signal
import time

import httpx2
import pytest

from tests.support.epochs import epochs_reported
from tests.support.processes import family, is_over

EXIT_WITHIN_S = 20
EPOCHS = 3

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def long_epochs(training):
    """A training whose epochs take some seconds, so that it is stopped in the middle of one."""
    return training(num_epochs=EPOCHS, image_size=224, batch_size=2)


def submit_until_refused(client, request):
    """The first answer that is not an acceptance."""
    while True:
        answer = httpx2.post(f"{client.base_url}/api/v2/training/start", json=request, timeout=10)
        if answer.status_code != 200:
            return answer


def read_until_closed(url, after=0):
    """The events of a stream that the service closes, which must be in good order."""
    with httpx2.stream("GET", url, params={"after": after}, timeout=60) as answer:
        lines = list(answer.iter_lines())
    entries = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    numbers = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
    return dict(zip(numbers, entries, strict=True))


def test_service_resumes_its_runs_after_a_stop(own_service, long_epochs, training, dataset):
    process, client = own_service()
    # First: with the limits the threads of a run change, and with them the last digits of its figures.
    limits = client.update_resource_config(max_concurrent={"cpu": {"training": 1}})["current_config"]
    undisturbed = client.start_training(**long_epochs)["task_id"]
    undisturbed = client.wait(undisturbed, timeout=120)
    task_id = client.start_training(**long_epochs | {"name": "stopped"})["task_id"]
    url = f"{client.base_url}/api/v2/training/{task_id}/logs"
    for entry in client.stream_training_logs(task_id):
        if entry.get("stage") == "epoch_start" and entry["step"] == 2:
            break
    started = family(process)
    process.send_signal(signal.SIGTERM)
    stopped_s = time.monotonic()
    refused = submit_until_refused(client, training(priority=10))
    events = read_until_closed(url) if refused.status_code == 503 else {}
    assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0
    assert "stopping" in refused.json()["message"]
    assert process.wait(60) == 0
    assert time.monotonic() - stopped_s < EXIT_WITHIN_S
    assert is_over(started)

    process, client = own_service()
    assert client.get_resources()["limits"] == limits
    events |= read_until_closed(url, after=max(events, default=0))
    assert list(events) == list(range(1, len(events) + 1))
    assert events[len(events)]["status"] == "completed"
    messages = [entry["message"] for entry in events.values()]
    assert any("the service is stopping. Queued again." in message for message in messages)
    assert any("Resuming in epoch" in message for message in messages)
    assert [e["step"] for e in events.values() if e.get("stage") == "epoch_end"] == list(range(1, EPOCHS + 1))
    ended = client.get_task(task_id)
    assert figures(ended) == figures(undisturbed)
    tasks = client.get_all_tasks()["training_tasks"]
    assert {client.wait(task["task_id"], timeout=120)["status"] for task in tasks} == {"completed"}


def test_service_resumes_a_training_of_two_workers_after_a_stop(own_service, training):
    process, client = own_service()
    client.update_resource_config(max_concurrent={"cpu": {"training": 2}})
    task_id = client.start_training(**training(num_workers=2, num_epochs=EPOCHS, image_size=224))["task_id"]
    for entry in client.stream_training_logs(task_id):
        if entry.get("stage") == "epoch_start" and entry["step"] == 2:
            break
    started = family(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert is_over(started)

    _, client = own_service()
    assert client.wait(task_id, timeout=120)["status"] == "completed"
    assert epochs_reported(client, task_id) == list(range(1, EPOCHS + 1))
    messages = [entry["message"] for entry in client.get_logs(task_id)]
    assert sum("2 workers train together" in message for message in messages) == 2
    assert any(message.startswith("Resuming") for message in messages)


def figures(task):
    return {name: value for name, value in task["latest_metrics"].items() if name != "images_per_second"}
