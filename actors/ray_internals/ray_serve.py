"""The inside of Ray Serve: the port of its replicas, and its own address. Knows nothing of routes."""

from ipaddress import ip_address
from typing import Any

import ray

from actors.ray_internals.nodes import REMEDY
from rfuav_ray.errors import RfuavError

EVERY_ADDRESS = "[::]:0"


def check_replica_port() -> None:
    """Check that the installed Ray Serve opens a replica's internal port as `keep_replica_on_loopback` expects.

    Raises:
        RfuavError: It does not. There is no other safe way, because Ray Serve always opens the port.
    """
    try:
        from ray._common.tls_utils import add_port_to_grpc_server  # noqa: PLC0415
        from ray.serve._private import replica  # noqa: PLC0415

        name, code = add_port_to_grpc_server.__name__, replica.Replica._on_initialized.__code__  # noqa: SLF001
        is_known = hasattr(replica, name) and name in code.co_names and EVERY_ADDRESS in code.co_consts
    except (ImportError, AttributeError):
        is_known = False
    if not is_known:
        raise _unknown_port()


def _unknown_port() -> RfuavError:
    return RfuavError(
        f"Ray {ray.__version__} opens the API's internal port in an unknown way, so other machines could run code "
        f"here. {REMEDY}"
    )


def keep_replica_on_loopback() -> None:
    """Make this replica's internal port listen on the loopback if its node does. Call it before it listens.

    The port takes pickled calls, so any sender could run code. Serve has no setting for its address. Nothing
    changes on a cluster, where proxies of other nodes may call the replica.

    Raises:
        RfuavError: Ray Serve opens the port in an unknown way.
    """
    node = ip_address(ray.util.get_node_ip_address())
    if not node.is_loopback:
        return
    check_replica_port()
    from ray._common.tls_utils import add_port_to_grpc_server  # noqa: PLC0415
    from ray.serve._private import replica  # noqa: PLC0415

    def add_loopback_port(server: Any, address: str) -> int:
        if address != EVERY_ADDRESS:
            raise _unknown_port()
        port: int = add_port_to_grpc_server(server, f"[{node}]:0" if node.version == 6 else f"{node}:0")
        return port

    replica.add_port_to_grpc_server = add_loopback_port


def serve_address() -> tuple[str, int] | None:
    """The host and port of the cluster's Serve, fixed while it runs; None when Serve does not run.

    Raises:
        RfuavError: This Ray Serve does not tell its address.
    """
    try:
        from ray.serve.context import _get_global_client  # noqa: PLC0415

        client = _get_global_client(raise_if_no_controller_running=False)
        return None if client is None else (client.http_config.host, client.http_config.port)
    except (ImportError, AttributeError, TypeError) as error:
        raise RfuavError(
            f"Ray {ray.__version__} does not tell where its Serve listens ({error}). Install the Ray that "
            "rfuav-ray requires."
        ) from error
