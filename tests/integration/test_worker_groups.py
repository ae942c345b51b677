"""Trainings with two workers, over a real service: two slots of the CPU, and two logical GPUs."""

import os
import signal

import psutil
import pytest

from rfuav_ray.client.service_errors import ServiceError
from tests.support.epochs import epochs_reported, processes_at_epoch
from tests.support.waiting import ask_until

TIMEOUT_S = 150


def test_two_workers_train_with_two_slots(client, training):
    task_id = client.start_training(**training(num_workers=2, num_epochs=2))["task_id"]
    processes = processes_at_epoch(client, task_id, epoch=1)
    assert len(set(processes)) == 2
    assert client.get_resources()["device_usage"]["cpu"]["training"] == 2
    ended = client.wait(task_id, timeout=TIMEOUT_S)
    assert ended["status"] == "completed", ended["error"]
    assert [worker["device"] for worker in ended["workers"]] == ["cpu", "cpu"]
    assert epochs_reported(client, task_id) == [1, 2]
    warnings = [entry["message"] for entry in client.get_logs(task_id) if entry["level"] == "WARNING"]
    assert any("batches of 4 images" in message for message in warnings)
    assert client.get_resources()["device_usage"]["cpu"]["training"] == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"num_workers": 100, "batch_size": 100}, "num_workers"),
        ({"num_workers": 3, "device": "cuda"}, "num_workers"),
        ({"num_workers": 2, "device": "cuda:0"}, "num_workers"),
        ({"num_workers": 2, "batch_size": 1}, "batch_size"),
    ],
)
def test_two_workers_that_can_never_be_are_refused(client, training, changes, field):
    with pytest.raises(ServiceError) as refused:
        client.start_training(**training(**changes))
    assert refused.value.status_code == 422 and field in str(refused.value)


@pytest.mark.long
@pytest.mark.parametrize("rank", [0, 1])
def test_two_workers_resume_when_one_was_killed(client, training, rank):
    task_id = client.start_training(**training(num_workers=2, num_epochs=6))["task_id"]
    processes = processes_at_epoch(client, task_id, epoch=2)
    os.kill(processes[rank], signal.SIGKILL)
    ended = client.wait(task_id, timeout=TIMEOUT_S)
    assert ended["status"] == "completed", ended["error"]
    assert epochs_reported(client, task_id) == list(range(1, 7))
    messages = [entry["message"] for entry in client.get_logs(task_id)]
    assert any("Queued again: retry 1 of 1" in message for message in messages)
    assert any(message.startswith("Resuming") for message in messages)
    ask_until(lambda alive: not alive, lambda: [one for one in processes if psutil.pid_exists(one)])


@pytest.mark.long
def test_two_workers_end_when_their_task_is_cancelled(client, training):
    task_id = client.start_training(**training(num_workers=2, num_epochs=5000))["task_id"]
    processes = processes_at_epoch(client, task_id, epoch=1)
    client.cancel_task(task_id)
    assert client.wait(task_id, timeout=TIMEOUT_S)["status"] == "cancelled"
    ask_until(lambda alive: not alive, lambda: [one for one in processes if psutil.pid_exists(one)])
    assert client.get_resources()["device_usage"]["cpu"]["training"] == 0


@pytest.mark.long
def test_two_workers_of_several_trainings_wait_for_each_other(client, training):
    """Each has two GPUs or none: with one each, both would wait for ever."""
    wishes = [{"num_workers": 2}, {}, {"num_workers": 2}, {}]
    tasks = [client.start_training(**training(device="cuda", **wish))["task_id"] for wish in wishes]
    ended = [client.wait(task_id, timeout=TIMEOUT_S) for task_id in tasks]
    assert [task["status"] for task in ended] == ["completed"] * 4
    for task, wish in zip(ended, wishes, strict=True):
        devices = {worker["device"] for worker in task["workers"]}
        assert devices == ({"cuda:0", "cuda:1"} if wish else set())
