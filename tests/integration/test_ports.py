"""Who can reach what: the ports of `rfuav serve` and of the Ray that it starts."""

from ipaddress import ip_address

import psutil
import pytest

pytestmark = pytest.mark.timeout(300)


def listening(process, port):
    """The addresses and ports of a process and its descendants, and of who has the port: HAProxy is on its own."""
    family = {process.pid, *(child.pid for child in process.children(recursive=True))}
    connections = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    return {(one.laddr.ip, one.laddr.port) for one in connections if one.pid in family or one.laddr.port == port}


def is_loopback(address):
    address = ip_address(address)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def test_no_port_but_the_apis_can_be_reached_from_other_machines(own_service):
    process, client = own_service()
    port = int(client.base_url.rpartition(":")[2])
    ports = listening(psutil.Process(process.pid), port)
    assert ("127.0.0.1", port) in ports
    assert [one for one in ports if not is_loopback(one[0])] == []
