"""Two services with one database. The second may have it when the first is gone, and not before."""

import subprocess

import pytest

from rfuav_ray.client import RFUAVClient
from tests.support.epochs import epochs_reported, wait_for_epoch
from tests.support.processes import stopped, wait_for_output
from tests.support.service_process import ServiceProcess

#: shorter than a lease
STANDS_S = 15
EPOCHS = 300

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def services(tmp_path, root):
    address = f"sqlite:///{tmp_path / 'shared.db'}"
    with (
        ServiceProcess(tmp_path / "one", root, database_url=address) as one,
        ServiceProcess(tmp_path / "two", root, database_url=address) as two,
    ):
        yield one, two


def test_second_service_takes_the_database_of_one_that_is_gone_and_of_no_other(services, training):
    one, two = services
    one.start()
    with RFUAVClient(one.url) as client:
        task_id = client.start_training(**training(num_epochs=EPOCHS))["task_id"]
        wait_for_epoch(client, task_id, 2)
        with stopped(one.find("ray::TaskManager")):
            two.launch()
            wait_for_output(two.log, "waiting 30 s to see whether it is alive")
            with pytest.raises(subprocess.TimeoutExpired):  # It waits, and takes over nothing.
                two.wait(STANDS_S)
        assert two.wait(60) != 0
        assert "The task store is in use by another service" in two.log.read_text()
        assert client.health()["status"] == "healthy" and client.get_task(task_id)["status"] == "running"

    one.kill()
    two.start()
    with RFUAVClient(two.url) as client:
        wait_for_epoch(client, task_id, 3)
        client.cancel_task(task_id)
        assert client.wait(task_id, timeout=60)["status"] == "cancelled"
        epochs = epochs_reported(client, task_id)
    assert epochs == list(range(1, len(epochs) + 1))
