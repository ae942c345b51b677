"""Workers and actors that die in the middle of a training; for services see tests/faults."""

import os
import re
import signal

import pytest
import ray

from actors import names
from tests.support.epochs import epochs_reported, wait_for_epoch


def test_training_resumes_from_its_checkpoint_after_a_kill(client, training):
    task_id = client.start_training(**training(num_epochs=12))["task_id"]
    os.kill(wait_for_epoch(client, task_id, 3), signal.SIGKILL)
    ended = client.wait(task_id, timeout=120)
    assert ended["status"] == "completed"
    messages = [entry["message"] for entry in client.get_logs(task_id)]
    assert any("Queued again: retry 1 of 1" in message for message in messages)
    assert epochs_reported(client, task_id) == list(range(1, 13))


@pytest.mark.long
def test_training_fails_when_every_run_dies(client, training):
    task_id = client.start_training(**training(num_epochs=5000))["task_id"]
    for _ in range(2):
        epoch = (epochs_reported(client, task_id) or [0])[-1]
        seen = len(client.get_logs(task_id))
        for entry in client.stream_logs(task_id, after=seen):
            if found := re.search(r"started in process (\d+)", entry["message"]):
                process = int(found.group(1))
            if entry.get("stage") == "epoch_end" and entry["step"] > epoch:
                break
        os.kill(process, signal.SIGKILL)
    ended = client.wait(task_id, timeout=120)
    assert ended["status"] == "failed" and "worker process died" in ended["error"]
    assert client.health()["status"] == "healthy"


@pytest.mark.long
@pytest.mark.parametrize("actor", [names.TASK_MANAGER, names.RUN_SUPERVISOR, names.METRICS])
def test_training_outlives_a_killed_actor(client, training, actor):
    task_id = client.start_training(**training(num_epochs=12, device="cuda:1"))["task_id"]
    stream = client.stream_training_logs(task_id)
    entries = [next(entry for entry in stream if entry.get("stage") == "epoch_end" and entry["step"] == 3)]
    ray.kill(ray.get_actor(actor, names.NAMESPACE), no_restart=False)
    entries.extend(stream)
    assert entries[-1]["status"] == "completed"
    assert client.wait(task_id, timeout=60)["status"] == "completed"
    assert epochs_reported(client, task_id) == list(range(1, 13))
    runs = [entry for entry in client.get_logs(task_id) if "started in process" in entry["message"]]
    assert len(runs) == (2 if actor == names.RUN_SUPERVISOR else 1)
    after = client.start_training(**training(device="cuda:1"))["task_id"]
    ended = client.wait(after, timeout=60)
    assert (ended["status"], ended["result"]["run"]["gpu_ids"]) == ("completed", ["1"])
