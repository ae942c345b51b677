"""`rfuav serve` is killed, its process alone: what it has started ends by itself, and the next one goes on."""

import signal

import pytest

from tests.support.epochs import epochs_reported, wait_for_epoch
from tests.support.processes import wait_until_silent

pytestmark = pytest.mark.timeout(300)


def test_service_resumes_after_a_kill(own_service, training):
    process, client = own_service()
    task_id = client.start_training(**training(num_epochs=8))["task_id"]
    waiting = client.start_training(**training())["task_id"]
    wait_for_epoch(client, task_id, 2)
    before = client.get_logs(task_id)
    limits = client.update_resource_config(max_concurrent={"cpu": {"training": 1}})["current_config"]
    process.kill()
    process.wait(60)
    wait_until_silent(client)

    process, client = own_service()
    assert client.get_logs(task_id)[: len(before)] == before
    assert client.get_resources()["limits"] == limits
    for one in (task_id, waiting):
        assert client.wait(one, timeout=120)["status"] == "completed"
    assert epochs_reported(client, task_id) == list(range(1, 9))
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
