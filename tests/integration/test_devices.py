"""Exact GPUs, fractions and limits: two logical GPUs, real runs that compute on the CPU."""

import os
import shutil
from datetime import datetime

import httpx2
import pytest

from rfuav_ray.client.service_errors import ServiceError

GPUS = ("cuda:0", "cuda:1")
PICTURES = 1000


def hold(client):
    client.update_resource_config(max_concurrent={"cuda": {"training": 0, "inference": 0}})


def records(client, task_ids):
    """What the runs themselves noted: where they ran, from when to when."""
    ended = [client.wait(task_id, timeout=150) for task_id in task_ids]
    assert {task["status"] for task in ended} == {"completed"}
    return [
        task["result"]["run"]
        | {
            "type": task["task_type"],
            "from": datetime.fromisoformat(task["result"]["run"]["started_at"]),
            "to": datetime.fromisoformat(task["result"]["run"]["ended_at"]),
        }
        for task in ended
    ]


def wait_until_said(client, task_id, message):
    """In the task's log and in its record: both come a moment after the change of the limits was answered."""
    assert any(entry["message"] == message for entry in client.stream_training_logs(task_id))
    while client.get_task(task_id)["message"] != message:
        pass


def most_at_once(runs):
    """How many of these runs overlapped."""
    moments = sorted([(run["from"], 1) for run in runs] + [(run["to"], -1) for run in runs])
    most = now = 0
    for _, step in moments:
        now += step
        most = max(most, now)
    return most


@pytest.fixture
def long_inference(inference, dataset, root):
    """One that takes seconds, so that those that may run at once are seen to."""
    folder = root / "many"
    folder.mkdir()
    picture = next((dataset / "train").rglob("*.png"))
    for number in range(PICTURES):
        os.link(picture, folder / f"{number}.png")
    yield inference(source_path=str(folder), device="cuda")
    shutil.rmtree(folder)


@pytest.mark.long
def test_limits_hold_for_eight_runs_on_two_gpus(client, training, long_inference):
    hold(client)
    tasks = [client.start_training(**training(device="cuda"))["task_id"] for _ in range(3)]
    tasks += [client.start_inference(**long_inference)["task_id"] for _ in range(8)]
    client.update_resource_config(max_concurrent={"cuda": {"training": 1, "inference": 3}})
    usage = client.get_resources()["device_usage"]
    assert [usage[gpu] for gpu in GPUS] == [{"training": 1, "inference": 3}] * 2

    runs = records(client, tasks)
    for number, gpu in enumerate(GPUS):
        there = [run for run in runs if run["device"] == gpu]
        assert {tuple(run["gpu_ids"]) for run in there} == {(str(number),)}
        assert most_at_once([run for run in there if run["type"] == "training"]) == 1
        assert 1 < most_at_once([run for run in there if run["type"] == "inference"]) <= 3
    assert {run["device"] for run in runs} == set(GPUS)


def test_limits_start_waiting_tasks_when_raised_and_end_none_when_lowered(client, training):
    client.update_resource_config(max_concurrent={"cuda": {"training": 1, "inference": 0}})
    tasks = [client.start_training(**training(device="cuda:1", num_epochs=5000))["task_id"] for _ in range(3)]
    # That the first one has left the queue is stored, and so seen, a moment after its acceptance.
    while (waiting := client.get_task(tasks[1]))["queue_position"] != 1:
        pass
    assert waiting["message"] == "Waiting for a free training slot on cuda:1."
    assert waiting["eta_seconds"] is None
    assert "Waiting for a free training slot on cuda:1." in client.get_logs(tasks[2])[0]["message"]

    # The first holds the whole GPU in Ray's books, and does not keep the second waiting.
    client.update_resource_config(max_concurrent={"cuda:1": {"training": 2}})
    for task_id in tasks[:2]:
        stream = client.stream_training_logs(task_id)
        started = next(entry for entry in stream if entry["message"].startswith("Run 1 started"))
        assert started["message"].endswith(", GPU 1.")
    client.update_resource_config(max_concurrent={"cuda:1": {"training": 0}})
    wait_until_said(client, tasks[2], "Waiting: the limit for training is 0 on cuda:1.")
    assert client.get_task(tasks[2])["message"] == "Waiting: the limit for training is 0 on cuda:1."
    assert client.get_logs(tasks[2])[-1]["message"] == "Waiting: the limit for training is 0 on cuda:1."
    assert {client.get_task(task_id)["status"] for task_id in tasks[:2]} == {"running"}


def test_limits_of_all_gpus_and_of_one_combine(client):
    answer = client.update_resource_config(max_concurrent={"cuda": {"training": 2}, "cuda:1": {"training": 0}})
    limits = answer["current_config"]
    assert (limits["cuda:0"]["training"], limits["cuda:1"]["training"]) == (2, 0)
    assert client.get_resources()["limits"] == limits


def test_training_on_an_unknown_gpu_is_refused(client, training):
    with pytest.raises(ServiceError) as refused:
        client.start_training(**training(device="cuda:2"))
    assert refused.value.status_code == 422
    assert "the devices are cpu, cuda:0, cuda:1" in str(refused.value)


def test_resources_describe_gpus_and_cpu(client, service):
    gpus = client.get_gpu_info()
    assert set(gpus) >= {"available", "count", "cuda_version", "pytorch_version", "devices"}
    assert gpus["count"] == len(gpus["devices"]) and gpus["available"] == bool(gpus["devices"])
    cpu = httpx2.get(f"{service}/api/v2/resources/cpu").json()
    assert cpu["cores"] == len(cpu["per_core_percent"])
    assert [node["node"] for node in cpu["nodes"]] == [cpu["node"]]
