"""A `rfuav serve` that is killed leaves its actors and its API on the cluster."""

import subprocess
import sys
from pathlib import Path

import pytest

from rfuav_ray.client import RFUAVClient
from tests.cluster.cluster_service import ClusterProgram, new_environment, start_service, url_of
from tests.integration.conftest import free_port

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


def test_the_next_service_takes_over_and_the_run_goes_on(start, environment, cluster, training, tmp_path):
    service = start()
    with RFUAVClient(url_of(environment)) as client:
        task_id = client.start_training(**training(device="cpu", num_epochs=EPOCHS))["task_id"]
        next(entry for entry in client.stream_logs(task_id) if "Epoch 2/" in entry["message"])
        service.kill()
        service.wait()

        # With another state folder it is another service, to which this cluster does not belong.
        other = environment | {"RFUAV_STATE_DIR": str(tmp_path / "other"), "RFUAV_PORT": str(free_port())}
        refused = subprocess.run(
            [sys.executable, "-m", "rfuav_ray.cli", "serve"],
            env=other | {"RAY_ADDRESS": cluster.address},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode != 0 and "runs a service already" in refused.stderr + refused.stdout
        assert client.get_task(task_id)["status"] == "running"

        start()
        messages = (entry["message"] for entry in client.stream_logs(task_id))
        next(message for message in messages if "Going on after epoch" in message)
        next(message for message in messages if message.startswith("Epoch "))
        client.cancel_task(task_id)
        assert client.wait(task_id, timeout=60)["status"] == "cancelled"
        ends = [e["step"] for e in client.get_logs(task_id) if e.get("stage") == "epoch_end"]
    assert ends == list(range(1, len(ends) + 1))
    assert "taking over" in Path(environment["RFUAV_LOG_FILE"]).with_name("output.txt").read_text()
