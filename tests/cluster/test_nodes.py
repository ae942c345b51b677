"""A cluster whose nodes come and go: `rfuav serve` joins it as a user's would, and the nodes have logical GPUs."""

import time

import pytest

from rfuav_ray.client import RFUAVClient, ServiceError
from tests.cluster.cluster_service import ClusterProgram, new_environment, start_service, url_of
from tests.support.epochs import epochs_reported

SHORT_TASKS = 200
JOIN_WITHIN_S = 10

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def environment(root, tmp_path_factory):
    with new_environment(tmp_path_factory.mktemp("cluster"), root) as variables:
        yield variables


@pytest.fixture(scope="module")
def cluster(environment):
    """A head with two GPUs, of which another program has a part of GPU 0."""
    program = ClusterProgram(environment)
    assert program.tell("hold 0.5") == "0"
    yield program
    program.stop()


@pytest.fixture(scope="module")
def client(environment, cluster):
    service = start_service(environment, cluster)
    try:
        with RFUAVClient(url_of(environment)) as rfuav_client:
            yield rfuav_client
    finally:
        service.terminate()
        assert service.wait(60) == 0


@pytest.fixture(scope="module")
def nodes(client, cluster):
    """Two more nodes, with a GPU each."""
    return {f"cuda:{number}": add_node(client, cluster, number) for number in (2, 3)}


def add_node(client, cluster, number):
    node = cluster.tell("add 1")
    joined = time.monotonic()
    while f"cuda:{number}" not in client.get_resources()["limits"]:
        assert time.monotonic() < joined + JOIN_WITHIN_S
    return node


def finish(client, task_id):
    task = client.wait(task_id, timeout=150)
    assert task["status"] == "completed", task
    return task["result"]["run"]


def wait_for(client, task_id, text):
    for entry in client.stream_logs(task_id):
        if text in entry["message"]:
            return
    raise AssertionError(f"the log ended without '{text}'")


def limits(client, **training):
    client.update_resource_config(
        max_concurrent={device.replace("_", ":"): {"training": limit} for device, limit in training.items()}
    )


@pytest.fixture(scope="module")
def trained(client, training):
    """The files of a trained model."""
    task = client.start_training(**training())
    return client.wait(task["task_id"], timeout=150)["result"]["files"]


@pytest.fixture
def infer(client, trained, dataset):
    """Start a short inference on a device; returns the task."""
    source = sorted((dataset / "val").rglob("*.png"))[0]

    def start(device):
        return client.start_inference(
            cfg_path=trained["config"], weight_path=trained["best_model"], source_path=str(source), device=device
        )

    return start


def test_cluster_gpus_keep_their_numbers(client, cluster, infer):
    blocked = infer("cuda:0")
    assert "another program of the Ray cluster uses them" in blocked["message"]
    here = finish(client, infer("cuda:1")["task_id"])
    assert (here["device"], here["gpu_ids"]) == ("cuda:1", ["1"])
    assert client.get_task(blocked["task_id"])["status"] == "pending"
    cluster.tell("release")
    assert finish(client, blocked["task_id"])["gpu_ids"] == ["0"]
    assert finish(client, infer("cuda:1")["task_id"])["gpu_ids"] == ["1"]


def test_cluster_spreads_short_tasks_over_its_nodes(client, nodes, infer):
    tasks = [infer("cuda" if number % 6 else "cpu")["task_id"] for number in range(SHORT_TASKS)]
    runs = [finish(client, task_id) for task_id in tasks]
    assert {run["device"] for run in runs} == {"cpu", "cuda:0", "cuda:1", *nodes}
    for device, node in nodes.items():
        assert {run["node_id"] for run in runs if run["device"] == device} == {node}


def test_cluster_moves_runs_from_a_lost_node_and_uses_a_new_one(client, cluster, nodes, training, infer):
    limits(client, cuda=0, cuda_2=1)
    client.update_resource_config(max_concurrent={"cuda:2": {"inference": 0}})
    task_id = client.start_training(**training(device="cuda", num_epochs=30))["task_id"]
    pinned = infer("cuda:2")["task_id"]
    wait_for(client, task_id, "Epoch 3/30: training loss")
    limits(client, cuda=1)
    cluster.tell(f"kill {nodes['cuda:2']}")
    wait_for(client, pinned, "Waiting for cuda:2. The cluster does not have this device now.")
    with pytest.raises(ServiceError, match="unknown device 'cuda:2'"):
        infer("cuda:2")

    run = finish(client, task_id)
    assert run["attempt"] == 2 and run["device"] != "cuda:2"
    assert any("Resuming after epoch" in entry["message"] for entry in client.get_logs(task_id))
    assert epochs_reported(client, task_id) == list(range(1, 31))

    node = add_node(client, cluster, 2)
    client.update_resource_config(max_concurrent={"cuda:2": {"inference": 1}})
    assert finish(client, pinned)["node_id"] == node
