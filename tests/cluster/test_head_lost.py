"""The head node dies. With the store in PostgreSQL the next start, on another host, takes up the tasks."""

import tempfile
from pathlib import Path

import pytest

from tests.cluster.hosts import OUTSIDE, are_possible, new_hosts
from tests.cluster.hosts_with_ray import HostsWithRay
from tests.support.epochs import epochs_reported, wait_for_epoch
from tests.support.postgres_server import running_postgres

#: more than it has time for
EPOCHS = 5000

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not are_possible(), reason="hosts of their own need root, and the programs ip and unshare"),
]


@pytest.fixture
def folder():
    # Sockets live in it: a short path.
    with tempfile.TemporaryDirectory(prefix="rfh") as short:
        yield Path(short)


def test_head_lost_with_postgresql_the_next_head_goes_on(folder, root, training):
    with (
        new_hosts(2, folder) as (first, second),
        running_postgres(folder, OUTSIDE) as store,
    ):
        before = HostsWithRay([first], root, folder, database_url=store)
        before.start_service()
        with before.client() as client:
            ended = client.wait(client.start_training(**training(device="cpu"))["task_id"], timeout=150)
            running = client.start_training(**training(device="cpu", num_epochs=EPOCHS))["task_id"]
            waiting = client.start_training(**training(device="cpu", num_epochs=EPOCHS), priority=1)["task_id"]
            wait_for_epoch(client, running, 2)
        first.lose()

        after = HostsWithRay([second], root, folder, database_url=store)
        after.start_service()
        with after.client() as client:
            assert client.get_task(ended["task_id"])["result"] == ended["result"]
            messages = (entry["message"] for entry in client.stream_logs(running))
            next(message for message in messages if "Resuming after epoch" in message)
            next(message for message in messages if message.startswith("Epoch "))
            for task_id in (running, waiting):
                assert not any("Queued again: retry" in entry["message"] for entry in client.get_logs(task_id))
                client.cancel_task(task_id)
                assert client.wait(task_id, timeout=60)["status"] == "cancelled"
            epochs = epochs_reported(client, running)
            assert epochs == list(range(1, len(epochs) + 1))
