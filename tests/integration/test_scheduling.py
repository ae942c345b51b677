"""Queueing, limits, priorities and cancelling, over a real service."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx2
import pytest

from rfuav_ray.client.service_errors import ServiceError

TIMEOUT_S = 150


def start_time(client, task_id):
    entry = next(e for e in client.get_logs(task_id) if e["message"].startswith("Starting on"))
    return datetime.fromisoformat(entry["timestamp"])


def hold(client, *device_names):
    """Let nothing start on these devices."""
    client.update_resource_config(max_concurrent={name: {"training": 0, "inference": 0} for name in device_names})


def release(client, device, training):
    client.update_resource_config(max_concurrent={device: {"training": training, "inference": 1}})


@pytest.mark.long
def test_queue_runs_twenty_trainings_by_priority_two_at_a_time(client, training):
    hold(client, "cpu")
    together = threading.Barrier(20)

    def submit(number):
        together.wait()
        return client.start_training(**training(priority=number % 3 + 1))

    with ThreadPoolExecutor(20) as threads:
        accepted = list(threads.map(submit, range(20)))
    assert len({task["task_id"] for task in accepted}) == 20
    waiting = client.get_all_tasks(status="pending")["training_tasks"]
    expected = sorted(waiting, key=lambda task: (task["priority"], task["created_at"]))
    by_queue = sorted(waiting, key=lambda task: task["queue_position"])
    assert [task["priority"] for task in by_queue] == [task["priority"] for task in expected]
    assert [task["queue_position"] for task in by_queue] == list(range(1, 21))

    most = 0
    is_over = threading.Event()

    def watch():
        nonlocal most
        while not is_over.wait(0.05):
            usage = client.get_resources()["device_usage"]["cpu"]["training"]
            most = max(most, usage)

    watcher = threading.Thread(target=watch)
    watcher.start()
    release(client, "cpu", 2)
    for task in accepted:
        assert client.wait(task["task_id"], timeout=TIMEOUT_S)["status"] == "completed"
    is_over.set()
    watcher.join()
    assert most == 2
    started = sorted(by_queue, key=lambda task: start_time(client, task["task_id"]))
    assert [task["task_id"] for task in started] == [task["task_id"] for task in by_queue]


def test_submissions_at_once_are_accepted_or_refused_each_by_itself(client, training):
    hold(client, "cpu")
    wishes = [{}] * 6 + [{"task_id": training()["name"]}] * 5 + [{"device": "cuda:77"}] * 5
    together = threading.Barrier(len(wishes))

    def submit(wish):
        together.wait()
        try:
            return client.start_training(**training(**wish))
        except ServiceError as error:
            return error

    with ThreadPoolExecutor(len(wishes)) as threads:
        answers = list(threads.map(submit, wishes))
    accepted = [answer for answer in answers if not isinstance(answer, ServiceError)]
    refused = [answer for answer in answers if isinstance(answer, ServiceError)]
    assert sorted(error.status_code for error in refused) == [409] * 4 + [422] * 5
    waiting = {task["task_id"] for task in client.get_all_tasks(status="pending")["training_tasks"]}
    assert {task["task_id"] for task in accepted} == waiting
    assert len(waiting) == 7
    for task_id in waiting:
        assert [entry["message"].split(":")[0] for entry in client.get_logs(task_id)] == ["Task accepted"]
        client.cancel_task(task_id)
    release(client, "cpu", 2)


def test_cancel_ends_a_waiting_task(client, training):
    hold(client, "cpu")
    task_id = client.start_training(**training())["task_id"]
    assert client.cancel_task(task_id)["status"] == "success"
    assert client.get_task(task_id)["status"] == "cancelled"
    with pytest.raises(ServiceError) as refused:
        client.cancel_task(task_id)
    assert refused.value.status_code == 409
    release(client, "cpu", 2)
    assert client.get_logs(task_id)[-1]["status"] == "cancelled"
    assert client.get_task(task_id)["status"] == "cancelled"


def test_cancel_stops_a_running_training_and_frees_its_slot(client, training):
    task_id = client.start_training(**training(num_epochs=5000))["task_id"]
    for entry in client.stream_training_logs(task_id):
        if entry.get("stage") == "epoch_end" and entry["step"] == 2:
            assert client.stop_training(task_id)["status"] == "success"
    ended = client.get_task(task_id)
    assert ended["status"] == "cancelled" and ended["current_epoch"] < 5000
    assert client.get_resources()["device_usage"]["cpu"]["training"] == 0


def test_cancel_ends_a_starting_run(client, training):
    task_id = client.start_training(**training(num_epochs=5000))["task_id"]
    client.cancel_task(task_id)
    assert client.wait(task_id, timeout=60)["status"] == "cancelled"


def test_priority_reorders_the_queue(client, training):
    hold(client, "cpu")
    first, second = (client.start_training(**training())["task_id"] for _ in range(2))
    moved = client.set_priority(second, 1)
    assert (moved["priority"], moved["queue_position"]) == (1, 1)
    release(client, "cpu", 1)
    for task_id in (first, second):
        client.wait(task_id, timeout=60)
    assert start_time(client, second) < start_time(client, first)
    with pytest.raises(ServiceError) as refused:
        client.set_priority(second, 2)
    assert refused.value.status_code == 409


def test_queue_of_a_busy_device_blocks_no_other_device(client, training):
    hold(client, "cpu")
    blocked = client.start_training(**training(priority=1))["task_id"]
    free = client.start_training(**training(priority=10, device="cuda:1"))["task_id"]
    ended = client.wait(free, timeout=60)
    assert (ended["status"], ended["device"]) == ("completed", "cuda:1")
    assert client.get_task(blocked)["status"] == "pending"


def test_device_cuda_spreads_trainings_over_the_gpus(client, training):
    tasks = [client.start_training(**training(device="cuda", num_epochs=2))["task_id"] for _ in range(2)]
    assert {client.wait(task_id, timeout=60)["device"] for task_id in tasks} == {"cuda:0", "cuda:1"}


def test_delete_removes_an_ended_task_only(client, training, service):
    hold(client, "cpu")
    task_id = client.start_training(**training())["task_id"]
    with pytest.raises(ServiceError) as refused:
        client.delete_task(task_id)
    assert refused.value.status_code == 409
    client.cancel_task(task_id)
    client.delete_task(task_id)
    for route in (f"tasks/{task_id}", f"training/{task_id}", f"tasks/{task_id}/logs"):
        assert httpx2.get(f"{service}/api/v2/{route}").status_code == 404


def test_a_task_with_the_id_of_a_deleted_one_is_run_anew(client, dataset, root):
    for name in ("first", "second"):
        client.split_dataset(dataset / "train", root / name, task_id="again")
        done = client.wait("again", timeout=60)
        assert (done["status"], done["result"]["output_path"]) == ("completed", str(root / name))
        assert (root / name / "train").is_dir()
        client.delete_task("again")


def test_task_list_is_filtered_paged_and_counted(client, training):
    hold(client, "cpu")
    ids = [client.start_training(**training())["task_id"] for _ in range(3)]
    page = client.get_all_tasks(status="pending", limit=2)
    assert [task["task_id"] for task in page["training_tasks"]] == [ids[2], ids[1]]
    assert page["total_training"] == 3 and page["total_inference"] == 0
    rest = client.get_all_tasks(status="pending", limit=2, offset=2)
    assert [task["task_id"] for task in rest["training_tasks"]] == [ids[0]]
    assert client.get_all_tasks(status="pending", task_type="inference")["total_training"] == 0


def test_limits_of_an_unknown_device_are_refused(client):
    with pytest.raises(ServiceError) as refused:
        client.update_resource_config(max_concurrent={"cuda:7": {"training": 1}})
    assert refused.value.status_code == 422 and "cuda:1" in str(refused.value)
