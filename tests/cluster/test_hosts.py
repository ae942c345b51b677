"""A cluster of three hosts that share no network, host name or disk for STATE_DIR, with Ray's token and a key."""

import os
import secrets
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from rfuav_ray.client import RFUAVClient
from rfuav_ray.demo.service import wait_until_healthy
from rfuav_ray.errors import RfuavError
from tests.cluster.hosts import are_possible, new_hosts
from tests.cluster.ray_head import PROGRAMS, UNBUFFERED, cluster_env, wait_until_ray_runs
from tests.support.epochs import epochs_reported

PORT, GCS_PORT = 8000, 6379
#: `make cluster` asks for more
STARTS = int(os.environ.get("CLUSTER_STARTS", "2"))
TASKS = int(os.environ.get("CLUSTER_TASKS", "12"))
KEY = "key-of-the-test"
STOPS_WITHIN_S = 20
#: more than it has time for
EPOCHS = 5000

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not are_possible(), reason="hosts of their own need root, and the programs ip and unshare"),
]


class HostsWithRay:
    def __init__(self, hosts, root, folder):
        self.head, *self.workers = hosts
        self.url = f"http://{self.head.address}:{PORT}"
        self.output = folder / "output.txt"
        plain = os.environ | {
            "RAY_TMPDIR": "/private/r",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RFUAV_HOST": self.head.address,
            "RFUAV_PORT": str(PORT),
            # On the head's own disk
            "RFUAV_STATE_DIR": "/private/state",
            "RFUAV_LOG_FILE": "/private/app.log",
            "RFUAV_DATA_ROOTS": str(root),
            "RFUAV_API_KEYS": KEY,
        }
        self.environment = cluster_env(plain)
        for host in hosts:
            (host.private / "r" / "ray").mkdir(parents=True)
        self._ray(self.head, "--head", f"--port={GCS_PORT}", "--include-dashboard=false")
        for worker in self.workers:
            self._ray(worker, f"--address={self.head.address}:{GCS_PORT}")

    def _ray(self, host, *options):
        words = [
            PROGRAMS / "ray",
            "start",
            "--block",
            "--num-cpus=2",
            f"--node-ip-address={host.address}",
            *options,
        ]
        wait_until_ray_runs(host.start(words, self.environment | UNBUFFERED, subprocess.PIPE))

    def call(self, host, *words):
        """Run `rfuav` on a host to its end. Returns the exit status, and what it printed."""
        output = self.output.with_name("call.txt")
        output.unlink(missing_ok=True)
        program = self._rfuav(host, words, output)
        return program.wait(120), output.read_text()

    def start_service(self):
        return self._rfuav(self.head, ["serve"], self.output)

    def _rfuav(self, host, words, output):
        environment = self.environment | {"RAY_ADDRESS": f"{self.head.address}:{GCS_PORT}"}
        with output.open("a") as log:
            return host.start([PROGRAMS / "rfuav", *words], environment, log)

    def client(self):
        return RFUAVClient(self.url, api_key=KEY)


def _connects(address, port):
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def cluster(root):
    # Sockets live in it: a short path.
    with tempfile.TemporaryDirectory(prefix="rfh") as folder, new_hosts(3, Path(folder)) as hosts:
        yield HostsWithRay(hosts, root, Path(folder))


@pytest.fixture(scope="module")
def service(cluster):
    program = cluster.start_service()
    with cluster.client() as client:
        wait_until_healthy(client, program, cluster.output)
    yield program
    program.terminate()
    assert program.wait(60) == 0


@pytest.fixture(scope="module")
def client(cluster, service):
    with cluster.client() as rfuav_client:
        yield rfuav_client


def test_hosts_service_starts_again_and_again(cluster):
    for _ in range(STARTS):
        program = cluster.start_service()
        with cluster.client() as client:
            wait_until_healthy(client, program, cluster.output)
        program.terminate()
        assert program.wait(STOPS_WITHIN_S) == 0
    assert (cluster.head.private / "state" / "rfuav.db").is_file()
    assert not any((worker.private / "state").exists() for worker in cluster.workers)


def test_hosts_only_the_api_listens(cluster, client):
    assert client.health()["status"] == "healthy"
    with pytest.raises(RfuavError, match="key is required"), RFUAVClient(cluster.url) as stranger:
        stranger.get_all_tasks()
    assert not any(_connects(cluster.head.address, port) for port in (8404, 9101))
    status, printed = cluster.call(cluster.head, "doctor")
    assert printed.count("Ray has the environment of `rfuav cluster-env`") == len(cluster.workers) + 1, printed
    status, printed = cluster.call(cluster.workers[0], "serve")
    assert status == 1 and f"Start the service on the head node, {cluster.head.address}" in printed


def test_hosts_run_tasks_and_resume_after_the_loss_of_one(cluster, client, training, dataset):
    trained = client.wait(client.start_training(**training(device="cpu"))["task_id"], timeout=150)["result"][
        "files"
    ]
    source = str(sorted((dataset / "val").rglob("*.png"))[0])
    model = {"cfg_path": trained["config"], "weight_path": trained["best_model"]}
    started = [client.start_inference(**model, source_path=source, device="cpu")["task_id"] for _ in range(TASKS)]
    ended = [client.wait(task_id, timeout=300) for task_id in started]
    assert {task["status"] for task in ended} == {"completed"}
    assert len({task["result"]["run"]["node_id"] for task in ended}) == len(cluster.workers) + 1

    tasks = [client.start_training(**training(device="cpu", num_epochs=EPOCHS))["task_id"] for _ in range(3)]
    for task_id in tasks:
        next(entry for entry in client.stream_logs(task_id) if "Epoch 2/" in entry["message"])
    lost = cluster.workers[0]
    for process in lost.processes():
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
