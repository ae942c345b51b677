"""The inside of Ray's nodes: which one is the head, where a private Ray listens, and how workers are started."""

import os
import sys
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.ray_internals.variables import JOB
from rfuav_ray.errors import RfuavError
from rfuav_ray.machine.private_files import is_open_to_others

HEAD_RESOURCE = "node:__internal_head__"
#: a new worker starts for the call
ANSWERS_WITHIN_S = 60.0
RAYLET_OPTION = "--raylet-name="
WORKER_PROGRAM = "default_worker.py"
REMEDY = "Install the Ray that rfuav-ray requires, or start Ray yourself behind a firewall and set RAY_ADDRESS."


class UnknownCommandLine(Exception):
    """Ray starts its workers with another command line than the known one."""


def is_head(node: Mapping[str, Any]) -> bool:
    """Whether an entry of `ray.nodes()` is the head node. Without Ray's mark no node is."""
    return HEAD_RESOURCE in node["Resources"]


def head_node_id() -> str:
    """Ray's id of the head node.

    Raises:
        RfuavError: No living node has Ray's mark of the head.
    """
    for node in ray.nodes():
        if node["Alive"] and is_head(node):
            return str(node["NodeID"])
    raise RfuavError(f"The Ray cluster has no node with the resource {HEAD_RESOURCE}. {REMEDY}")


def environment_of(node_id: str, names: Iterable[str]) -> dict[str, str]:
    """Those of the variables that Ray's processes on a node have. The node's raylet got them from `ray start`."""
    there = NodeAffinitySchedulingStrategy(node_id, soft=False)
    read = ray.remote(num_cpus=0, enable_task_events=False)(_environment)
    found: dict[str, str] = ray.get(
        read.options(scheduling_strategy=there).remote(list(names)), timeout=ANSWERS_WITHIN_S
    )
    return found


def folder_open_to_others(node_id: str) -> str | None:
    """The folder with the sockets of a node's Ray if every user of that machine may write into it, else None."""
    there = NodeAffinitySchedulingStrategy(node_id, soft=False)
    look = ray.remote(num_cpus=0, enable_task_events=False)(_open_folder)
    found: str | None = ray.get(look.options(scheduling_strategy=there).remote(), timeout=ANSWERS_WITHIN_S)
    return found


def _open_folder() -> str | None:
    folders = [Path(socket).parent for socket in _raylet_sockets()]
    return next((str(folder) for folder in folders if is_open_to_others(folder)), None)


def _raylet_sockets() -> list[str]:
    """From the command line of this process, a Ray worker."""
    return [word.removeprefix(RAYLET_OPTION) for word in sys.orig_argv if word.startswith(RAYLET_OPTION)]


def _environment(names: list[str]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


def check_on_head() -> None:
    """Check that this process runs on the head node, where the service's actors, store and API live.

    Raises:
        RfuavError: It runs on another node.
    """
    here = ray.get_runtime_context().get_node_id()
    if here == (head := head_node_id()):
        return
    address = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes()}
    raise RfuavError(
        f"This is the node {address.get(here, here)}. Start the service on the head node, "
        f"{address.get(head, head)}, or with `serve deploy`, or with `ray job submit`."
    )


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
    raylets = _raylet_sockets()
    if program != [WORKER_PROGRAM] or len(raylets) != 1 or not Path(raylets[0]).is_socket():
        raise UnknownCommandLine(f"Ray starts its workers in an unknown way: {program}, {RAYLET_OPTION}{raylets}")
    if JOB not in os.environ:
        raise UnknownCommandLine(f"Ray's workers have no {JOB}")
    return f"{raylets[0]}.fork"
