"""`rfuav serve` as a user starts it: who can reach what, and ctrl-C twice."""

import signal
from ipaddress import ip_address

import psutil
import pytest

from tests.support.processes import family, is_over, wait_for_output

pytestmark = pytest.mark.timeout(300)


def listening(process, port):
    """The addresses and ports of a process and its descendants, and of who has the port: HAProxy is on its own."""
    pids = {process.pid, *(child.pid for child in family(process))}
    connections = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    return {(one.laddr.ip, one.laddr.port) for one in connections if one.pid in pids or one.laddr.port == port}


def is_loopback(address):
    address = ip_address(address)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def test_service_opens_one_port_and_ends_at_a_second_signal(own_service, training, tmp_path):
    process, client = own_service()
    port = int(client.base_url.rpartition(":")[2])
    ports = listening(process, port)
    assert ("127.0.0.1", port) in ports
    assert [one for one in ports if not is_loopback(one[0])] == []

    # Its epochs take some seconds: it does not end by itself in between.
    task_id = client.start_training(**training(num_epochs=4, image_size=224, batch_size=2))["task_id"]
    for entry in client.stream_training_logs(task_id):
        if entry.get("stage") == "epoch_start":
            break
    started = family(process)
    process.send_signal(signal.SIGINT)
    wait_for_output(tmp_path / "output.txt", "Stopping")
    # Again and again: two at once are one.
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
    assert process.returncode == 128 + signal.SIGINT
    assert is_over(started)
