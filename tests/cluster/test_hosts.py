"""A cluster of three hosts that share no network, host name or disk for STATE_DIR, with Ray's token and a key."""

import os
import shutil
import signal
import socket
import tempfile
from itertools import cycle, islice
from pathlib import Path

import httpx2
import pytest

from rfuav_ray.client import RFUAVClient
from rfuav_ray.errors import RfuavError
from tests.cluster.haproxy_state import wait_until_up
from tests.cluster.hosts import are_possible, new_hosts
from tests.cluster.hosts_with_ray import KEY, PORT, HostsWithRay
from tests.support.epochs import epochs_reported, processes_at_epoch, wait_for_epoch
from tests.support.inference_runs import RATE_HZ, Run
from tests.support.processes import stopped
from tests.support.signals import noise, tone

#: `make cluster` asks for more
STARTS = int(os.environ.get("CLUSTER_STARTS", "2"))
TASKS = int(os.environ.get("CLUSTER_TASKS", "7"))
STOPS_WITHIN_S = 20
#: a folder on each host's own disk
OWN_DISK = Path("/private/data")
#: more than it has time for
EPOCHS = 5000

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(not are_possible(), reason="hosts of their own need root, and the programs ip and unshare"),
]


def _connects(address, port):
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def _refused(cluster):
    """The words with which another service is refused."""
    status, printed = cluster.call(cluster.head, "serve", state_dir="/private/other", port=PORT + 1)
    assert status == 1
    return printed


@pytest.fixture(scope="module")
def cluster(root):
    # Sockets live in it: a short path.
    with tempfile.TemporaryDirectory(prefix="rfh") as folder, new_hosts(3, Path(folder)) as hosts:
        yield HostsWithRay(hosts, root, Path(folder), data_roots=f"{root},{OWN_DISK}")


@pytest.fixture(scope="module")
def service(cluster):
    program = cluster.start_service()
    yield program
    program.terminate()
    assert program.wait(60) == 0


@pytest.fixture(scope="module")
def client(cluster, service):
    with cluster.client() as rfuav_client:
        yield rfuav_client


@pytest.fixture(scope="module")
def recordings(root):
    """A folder of recordings, and a model that knows how to draw them."""
    run = Run.for_recordings(root / "recordings")
    run.add_recording("a", 0.05 * noise(60_000) + 0.5 * tone(1e5, RATE_HZ, 60_000))
    return run


def test_hosts_service_starts_again_and_again(cluster):
    for _ in range(STARTS):
        program = cluster.start_service()
        program.terminate()
        assert program.wait(STOPS_WITHIN_S) == 0
    assert (cluster.head.private / "state" / "rfuav.db").is_file()
    assert not any((worker.private / "state").exists() for worker in cluster.workers)


def test_hosts_another_application_and_another_service_stay_apart(cluster, training):
    program = cluster.start_service()
    cluster.deploy_other_application()
    with cluster.client() as client:
        task_id = client.start_training(**training(device="cpu", num_epochs=EPOCHS))["task_id"]
        wait_for_epoch(client, task_id, 2)
        with stopped(cluster.process("ray::TaskManager")):
            assert "The service on this Ray cluster does not answer" in _refused(cluster)
        assert "Another rfuav-ray service already runs" in _refused(cluster)
        wait_for_epoch(client, task_id, client.get_task(task_id)["current_epoch"] + 1)
        client.cancel_task(task_id)
        assert client.wait(task_id, timeout=60)["status"] == "cancelled"
        assert not any("Queued again" in entry["message"] for entry in client.get_logs(task_id))
    program.terminate()
    assert program.wait(STOPS_WITHIN_S) == 0
    assert httpx2.get(f"{cluster.url}/other", timeout=30).text == "alive"


def test_hosts_only_the_api_listens(cluster, client):
    assert client.health()["status"] == "healthy"
    with pytest.raises(RfuavError, match="key is required"), RFUAVClient(cluster.url) as stranger:
        stranger.get_all_tasks()
    assert not any(_connects(cluster.head.address, port) for port in (8404, 9101))
    wait_until_up(cluster.environment, "rfuav")
    status, printed = cluster.call(cluster.head, "doctor")
    assert printed.count("Ray has the environment of `rfuav cluster-env`") == len(cluster.workers) + 1, printed
    status, printed = cluster.call(cluster.workers[0], "serve")
    assert status == 1 and f"Start the service on the head node, {cluster.head.address}" in printed


def test_hosts_run_tasks_of_all_kinds(cluster, client, training, dataset, recordings, root):
    trained = client.wait(client.start_training(**training(device="cpu"))["task_id"], timeout=150)
    files = trained["result"]["files"]
    image = sorted((dataset / "val").rglob("*.png"))[0]
    fields = {"sample_rate_hz": RATE_HZ, "stft_points": 128, "duration_s": 0.01, "image_size": 64}
    starts = (
        lambda _: client.start_training(**training(device="cpu")),
        lambda _: client.start_inference(files["config"], files["best_model"], image, device="cpu"),
        lambda out: client.split_dataset(dataset / "train", out),
        lambda out: client.augment_dataset(dataset, output_path=out, methods=["CLAHE"]),
        lambda out: client.crop_images(dataset / "val", out, x=0, y=0, width=4, height=4),
        lambda out: client.make_spectrograms(recordings.source, out, **fields),
        lambda _: client.start_inference(
            recordings.folder / "model.yaml", recordings.folder / "weights.pth", recordings.source, device="cpu"
        ),
    )
    asked = enumerate(islice(cycle(starts), TASKS))
    started = [start(root / "kinds" / str(number))["task_id"] for number, start in asked]
    ended = [client.wait(task_id, timeout=600) for task_id in started]
    assert {task["status"] for task in ended} == {"completed"}, ended
    assert {task["task_type"] for task in ended} == {
        *("training", "inference", "split", "augment", "crop", "spectrogram")
    }
    used = {client.get_task(task_id)["result"].get("run", {}).get("node_id") for task_id in started} - {None}
    assert len(used) == len(cluster.workers) + 1


def test_hosts_runs_go_where_their_inputs_are(cluster, client, training, dataset, root):
    with_data, without = [cluster.head, cluster.workers[0]], cluster.workers[1]
    copies = [host.private / OWN_DISK.name for host in with_data]
    for copy in copies:
        shutil.copytree(dataset, copy)
    paths = {"train_path": OWN_DISK / "train", "val_path": OWN_DISK / "val"}
    own_output = paths | {"save_path": OWN_DISK / "runs"}
    started = [client.start_training(**training(device="cpu") | own_output)["task_id"] for _ in range(3)]
    started.append(client.split_dataset(OWN_DISK / "train", root / "split")["task_id"])
    ended = [client.wait(task_id, timeout=300) for task_id in started]
    assert {task["status"] for task in ended} == {"completed"}, ended
    assert {task["result"]["run"]["node"] for task in ended[:3]} == {host.name for host in with_data}
    left_out = f"Nodes are left out: '{OWN_DISK / 'train'}' is missing on {without.name}"
    found = {task_id: [e for e in client.get_logs(task_id) if left_out in e["message"]] for task_id in started}
    assert any(found[task_id] for task_id in started[:3]) and found[started[3]]
    assert {entry["level"] for entries in found.values() for entry in entries} == {"INFO"}
    for task in ended[:3]:  # results on a disk of its own are where the run was
        url = f"{cluster.url}/api/v2/tasks/{task['task_id']}/artifacts"
        listed = httpx2.get(url, headers={"X-API-Key": KEY}, timeout=30).json()
        assert bool(listed["artifacts"]) == (task["result"]["run"]["node"] == cluster.head.name)

    limit = client.get_resources()["limits"]["cpu"]["training"]
    client.update_resource_config({"cpu": {"training": 0}})
    late = client.start_training(**training(device="cpu") | paths)["task_id"]
    for copy in copies:
        shutil.rmtree(copy)
    client.update_resource_config({"cpu": {"training": limit}})
    failed = client.wait(late, timeout=60)
    assert failed["status"] == "failed"
    names = ", ".join(host.name for host in [*with_data, without])
    assert f"'{paths['train_path']}' is missing on {names}" in failed["message"]
    assert not any("Queued again" in entry["message"] for entry in client.get_logs(late))


def test_hosts_two_workers_of_a_training_are_on_two_and_resume_when_one_is_killed(cluster, client, training):
    limit = client.get_resources()["limits"]["cpu"]["training"]
    client.update_resource_config({"cpu": {"training": 1}})  # of each host
    fields = {"device": "cpu", "num_workers": 2, "num_epochs": EPOCHS}
    first, second = (client.start_training(**training(**fields))["task_id"] for _ in range(2))
    _, other = processes_at_epoch(client, first, 2)
    names = [worker["node"] for worker in client.get_task(first)["workers"]]
    assert len(set(names)) == 2
    on = next(host for host in (cluster.head, *cluster.workers) if host.name == names[1])
    assert other in [process.pid for process in on.processes()]
    # Three hosts have room for one training with two workers, and the second one holds nothing.
    waiting = client.get_task(second)
    assert (waiting["status"], waiting["workers"]) == ("pending", [])
    assert client.get_resources()["device_usage"]["cpu"]["training"] == 2
    os.kill(other, signal.SIGKILL)
    assert _resumes(client, first)
    wait_for_epoch(client, first, client.get_task(first)["current_epoch"] + 2)
    assert client.get_task(second)["status"] == "pending"
    for task_id in (first, second):
        processes_at_epoch(client, task_id, 1)
        client.cancel_task(task_id)
        assert client.wait(task_id, timeout=60)["status"] == "cancelled"
        epochs = epochs_reported(client, task_id)
        assert epochs == list(range(1, len(epochs) + 1))
    client.update_resource_config({"cpu": {"training": limit}})


def test_hosts_runs_resume_after_the_loss_of_one(cluster, client, training):
    tasks = [client.start_training(**training(device="cpu", num_epochs=EPOCHS))["task_id"] for _ in range(3)]
    for task_id in tasks:
        wait_for_epoch(client, task_id, 2)
    for process in cluster.workers[0].processes():
        if "raylet" in process.name():
            process.send_signal(signal.SIGKILL)
    assert any(_resumes(client, task_id) for task_id in tasks)
    for task_id in tasks:
        assert not any("Queued again: retry" in entry["message"] for entry in client.get_logs(task_id))
        client.cancel_task(task_id)
        assert client.wait(task_id, timeout=60)["status"] == "cancelled"
        epochs = epochs_reported(client, task_id)
        assert epochs == list(range(1, len(epochs) + 1))


def _resumes(client, task_id):
    """Follow the task until it resumes; a task on another node is told by its next epochs."""
    seen = 0
    for entry in client.stream_logs(task_id):
        seen += entry["message"].startswith("Epoch ")
        if "Resuming after epoch" in entry["message"]:
            return True
        if seen > 400:
            return False
    return False
