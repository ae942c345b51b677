"""The inside of Ray's nodes: which one is the head, where a private Ray listens, and how workers are started."""

import os
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import ray

from actors.ray_internals.variables import JOB
from rfuav_ray.errors import RfuavError

HEAD_RESOURCE = "node:__internal_head__"
RAYLET_OPTION = "--raylet-name="
WORKER_PROGRAM = "default_worker.py"
REMEDY = "Install the Ray that rfuav-ray requires, or start Ray yourself behind a firewall and set RAY_ADDRESS."


class UnknownCommandLine(Exception):
    """Ray starts its workers with another command line than the known one."""


def is_head(node: Mapping[str, Any]) -> bool:
    """Whether an entry of `ray.nodes()` is the head node. Without Ray's mark no node is."""
    return HEAD_RESOURCE in node["Resources"]


def check_private_ray() -> None:
    """Check that the Ray that this process has started listens on the loopback alone.

    Raises:
        RfuavError: It does not. Its ports run the code that they receive.
    """
    address = ray.util.get_node_ip_address()
    if not ip_address(address).is_loopback:
        raise RfuavError(
            f"Ray {ray.__version__} listens on {address} instead of the loopback, so other machines could run "
            f"code here. {REMEDY}"
        )


def fork_server_address() -> str:
    """The path for the socket of this node's fork server, from the command line of this process, a Ray worker.

    It contains the raylet's socket path, so that each node has its own.

    Raises:
        UnknownCommandLine: This process was not started as the fork server starts workers. Such forks would not
            find their node.
    """
    program = [Path(word).name for word in sys.orig_argv[1:2]]
    raylets = [word.removeprefix(RAYLET_OPTION) for word in sys.orig_argv if word.startswith(RAYLET_OPTION)]
    if program != [WORKER_PROGRAM] or len(raylets) != 1 or not Path(raylets[0]).is_socket():
        raise UnknownCommandLine(f"Ray starts its workers in an unknown way: {program}, {RAYLET_OPTION}{raylets}")
    if JOB not in os.environ:
        raise UnknownCommandLine(f"Ray's workers have no {JOB}")
    return f"{raylets[0]}.fork"
