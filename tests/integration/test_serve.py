"""`rfuav serve` as a user starts it: its ports, and ctrl-C twice. One service for all: a start takes its time."""

import signal
import time
from ipaddress import ip_address

import psutil
import pytest

from tests.integration.conftest import services
from tests.integration.processes import family, is_over

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def served(root, folder):
    """The process and a client."""
    with services(root, folder) as start:
        yield start()


def listening(process, port):
    """The addresses and ports of a process and its descendants, and of who has the port: HAProxy is on its own."""
    pids = {process.pid, *(child.pid for child in family(process))}
    connections = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    return {(one.laddr.ip, one.laddr.port) for one in connections if one.pid in pids or one.laddr.port == port}


def is_loopback(address):
    address = ip_address(address)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def test_no_port_but_the_apis_can_be_reached_from_other_machines(served):
    process, client = served
    port = int(client.base_url.rpartition(":")[2])
    ports = listening(process, port)
    assert ("127.0.0.1", port) in ports
    assert [one for one in ports if not is_loopback(one[0])] == []


def wait_for_output(path, text):
    deadline = time.monotonic() + 30
    while text not in path.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_second_signal_ends_everything_at_once(served, training, folder):
    """The last one: nothing is left of the service."""
    process, client = served
    # Its epochs take some seconds: it does not end by itself in between.
    task_id = client.start_training(**training(num_epochs=4, image_size=224, batch_size=2))["task_id"]
    for entry in client.stream_training_logs(task_id):
        if entry.get("stage") == "epoch_start":
            break
    started = family(process)
    process.send_signal(signal.SIGINT)
    wait_for_output(folder / "output.txt", "Stopping")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 128 + signal.SIGINT
    assert is_over(started)
