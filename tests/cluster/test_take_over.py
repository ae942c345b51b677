"""A `rfuav serve` that is killed leaves its actors and its API on the cluster."""

import os
import signal
import subprocess
import sys

import pytest

from rfuav_ray.client import RFUAVClient
from rfuav_ray.machine.ports import free_port
from tests.cluster.cluster_service import (
    ClusterProgram,
    launch_service,
    new_environment,
    output_of,
    start_service,
    url_of,
)
from tests.support.epochs import epochs_reported

#: more than it has time for
EPOCHS = 5000

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def environment(root, tmp_path):
    with new_environment(tmp_path, root) as variables:
        yield variables


@pytest.fixture
def cluster(environment):
    program = ClusterProgram(environment)
    yield program
    program.stop()


@pytest.fixture
def start(environment, cluster):
    """Starts the service; what is still there at the end is ended."""
    services = []

    def one_more():
        services.append(start_service(environment, cluster))
        return services[-1]

    yield one_more
    for service in services:
        if service.poll() is None:
            service.terminate()
            assert service.wait(60) == 0


@pytest.fixture
def refused(cluster, tmp_path):
    """The words with which another service is refused on the cluster."""

    def start_another(environment):
        program = subprocess.run(
            [sys.executable, "-m", "serve_app", "serve"],
            env=environment | {"RAY_ADDRESS": cluster.address},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert program.returncode != 0
        return program.stderr + program.stdout

    return start_another


@pytest.fixture
def elsewhere(environment, tmp_path):
    """The variables of another service, with a state folder and a port of its own."""
    return environment | {"RFUAV_STATE_DIR": str(tmp_path / "other"), "RFUAV_PORT": str(free_port())}


def test_take_over_spares_a_slow_service(start, environment, cluster, training, elsewhere, refused):
    start()
    with RFUAVClient(url_of(environment)) as client:
        task_id = client.start_training(**training(device="cpu", num_epochs=EPOCHS))["task_id"]
        next(entry for entry in client.stream_logs(task_id) if "Epoch 1/" in entry["message"])
        task_manager = int(cluster.tell("process"))
        os.kill(task_manager, signal.SIGSTOP)
        try:
            assert "The service on this Ray cluster does not answer" in refused(elsewhere)
        finally:
            os.kill(task_manager, signal.SIGCONT)
        assert int(cluster.tell("process")) == task_manager
        epoch = client.get_task(task_id)["current_epoch"]
        messages = (entry["message"] for entry in client.stream_logs(task_id))
        next(message for message in messages if message.startswith(f"Epoch {epoch + 1}/"))
        assert client.health()["status"] == "healthy"
        client.cancel_task(task_id)
        client.wait(task_id, timeout=60)
    assert "Another rfuav-ray service already runs" in refused(elsewhere)


def test_service_keeps_its_actors_on_its_node_and_other_applications_alive(
    start, environment, cluster, elsewhere, refused
):
    for _ in range(3):
        cluster.tell("add 0")
    service = start()
    assert set(cluster.tell("where").split(",")) == {cluster.tell("here")}
    cluster.tell("deploy")
    service.terminate()
    assert service.wait(60) == 0
    assert cluster.tell("ask") == "alive"

    port = environment["RFUAV_PORT"]
    assert f"This cluster already runs Ray Serve for other applications, on 127.0.0.1:{port}" in refused(elsewhere)
    its_prefix = {"RFUAV_ROUTE_PREFIX": "/other"}
    assert 'used by application "other"' in (said := refused(environment | its_prefix))
    assert "Set ROUTE_PREFIX to another prefix." in said and "Traceback" not in said
    assert cluster.tell("ask") == "alive"
    again = start()  # on the port that Serve has
    with RFUAVClient(url_of(environment)) as client:
        assert client.health()["status"] == "healthy"
    again.kill()
    again.wait()
    start()
    # Not before: the API that answers may be the killed one's.
    while "is ready." not in output_of(environment).read_text().partition("ending the actors")[2]:
        assert cluster.tell("ask") == "alive"
    assert cluster.tell("ask") == "alive"


def test_take_over_resumes_the_run_of_a_killed_service(start, environment, training, elsewhere, refused):
    service = start()
    with RFUAVClient(url_of(environment)) as client:
        task_id = client.start_training(**training(device="cpu", num_epochs=EPOCHS))["task_id"]
        next(entry for entry in client.stream_logs(task_id) if "Epoch 2/" in entry["message"])
        service.kill()
        service.wait()

        # With another state folder it is another service, to which this cluster does not belong.
        assert "Another rfuav-ray service already runs" in refused(elsewhere)
        assert client.get_task(task_id)["status"] == "running"

        start()
        messages = (entry["message"] for entry in client.stream_logs(task_id))
        next(message for message in messages if "Resuming after epoch" in message)
        next(message for message in messages if message.startswith("Epoch "))
        client.cancel_task(task_id)
        assert client.wait(task_id, timeout=60)["status"] == "cancelled"
        epochs = epochs_reported(client, task_id)
    assert epochs == list(range(1, len(epochs) + 1))
    assert "ending the actors" in output_of(environment).read_text()


def test_service_ends_when_its_api_is_removed_while_it_starts(environment, cluster):
    with output_of(environment).open("w") as log:
        service = launch_service(environment, cluster, log)
        cluster.tell("undeploy")
        assert service.wait(60) == 1
    assert (
        "Another program has removed the API from Ray Serve while it started" in output_of(environment).read_text()
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("undeploy", "another program has removed its API from Ray Serve"),
        ("end metrics", "another program has ended its actors metrics"),
    ],
)
def test_service_ends_with_an_error_when_another_program_takes_a_part_of_it(
    start, cluster, environment, command, said
):
    service = start()
    # Its API answers a moment before its start is over.
    while "is ready." not in output_of(environment).read_text():
        assert service.poll() is None and cluster.tell("here")
    cluster.tell(command)
    assert service.wait(90) == 1
    assert said in output_of(environment).read_text()
