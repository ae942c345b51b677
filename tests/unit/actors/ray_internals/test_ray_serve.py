from concurrent.futures import ThreadPoolExecutor

import grpc
import psutil
import pytest
import ray
from ray.serve._private import replica

from actors.ray_internals.ray_serve import check_replica_port, keep_replica_on_loopback, serve_address
from rfuav_ray.errors import RfuavError


@pytest.fixture
def port_of_replica(monkeypatch):
    """Open the port of a replica on a node with this address; returns where it listens."""

    def opened(node, address="[::]:0"):
        monkeypatch.setattr(replica, "add_port_to_grpc_server", replica.add_port_to_grpc_server)  # restored later
        monkeypatch.setattr(ray.util, "get_node_ip_address", lambda: node)
        keep_replica_on_loopback()
        with ThreadPoolExecutor(1) as threads:
            server = grpc.server(threads)
            port = replica.add_port_to_grpc_server(server, address)
            try:
                (where,) = {
                    one.laddr.ip for one in psutil.Process().net_connections("tcp") if one.laddr.port == port
                }
            finally:
                server.stop(None)
        return where

    return opened


def test_ray_serve_a_replica_on_the_loopback_listens_there(port_of_replica):
    for _ in range(2):  # The second call finds what the first one has changed.
        assert port_of_replica("127.0.0.1").removeprefix("::ffff:") == "127.0.0.1"


def test_ray_serve_a_replica_of_a_cluster_listens_for_other_nodes(port_of_replica):
    assert port_of_replica("192.0.2.1") == "::"


def opens_elsewhere(self):
    """In place of Ray Serve's method."""
    self.port = replica.add_port_to_grpc_server(self.server, "0.0.0.0:0")


def test_ray_serve_a_port_at_another_address_is_refused(port_of_replica):
    with pytest.raises(RfuavError, match="internal port"):
        port_of_replica("127.0.0.1", "0.0.0.0:0")


def test_ray_serve_a_port_that_is_opened_in_an_unknown_way_is_refused(monkeypatch):
    monkeypatch.setattr("ray.util.get_node_ip_address", lambda: "127.0.0.1")
    monkeypatch.setattr(replica.Replica, "_on_initialized", opens_elsewhere)
    with pytest.raises(RfuavError, match="internal port"):
        check_replica_port()
    with pytest.raises(RfuavError, match="internal port"):
        keep_replica_on_loopback()
    monkeypatch.delattr(replica, "Replica")
    with pytest.raises(RfuavError, match="internal port"):
        check_replica_port()


def test_ray_serve_an_address_that_is_not_told_is_an_error(monkeypatch):
    monkeypatch.delattr("ray.serve.context._get_global_client")
    with pytest.raises(RfuavError, match="where its Serve listens"):
        serve_address()
