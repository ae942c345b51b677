"""Serve's replicas take the calls of other deployments as pickles: whoever can send one runs code."""

from typing import Any

import ray
from ray._common.tls_utils import add_port_to_grpc_server
from ray.serve._private import replica

LOOPBACK = "127.0.0.1"


def keep_on_loopback() -> None:
    """Before a replica listens for them: on the loopback where its node is, not on all addresses as Serve does.

    Serve has no setting for it. On a cluster, where proxies of other nodes may call, nothing changes.
    """
    if ray.util.get_node_ip_address() == LOOPBACK:
        replica.add_port_to_grpc_server = _add_port


def _add_port(server: Any, address: str) -> int:
    port: int = add_port_to_grpc_server(server, address.replace("[::]", LOOPBACK))
    return port
