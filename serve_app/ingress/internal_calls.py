"""Keeps a replica's internal port on the loopback: it takes pickled calls, so any sender could run code."""

from typing import Any

import ray
from ray._common.tls_utils import add_port_to_grpc_server
from ray.serve._private import replica

LOOPBACK = "127.0.0.1"


def keep_on_loopback() -> None:
    """Make a replica listen on the loopback if its node does, not on all addresses. Call it before it listens.

    Serve has no setting for this. Nothing changes on a cluster, where proxies of other nodes may call the replica.
    """
    if ray.util.get_node_ip_address() == LOOPBACK:
        replica.add_port_to_grpc_server = _add_port


def _add_port(server: Any, address: str) -> int:
    port: int = add_port_to_grpc_server(server, address.replace("[::]", LOOPBACK))
    return port
