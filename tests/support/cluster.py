"""A cluster without Ray: nodes that join and leave, their GPUs and their monitors."""

import asyncio
import os
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import ray
from ray.exceptions import ActorUnavailableError

from actors.devices import gpu_groups, node_monitor, node_probe, placement
from actors.devices.numbering import Node
from tests.support.actor_handles import LocalHandle


class Group:
    """In place of a placement group of one GPU."""

    def __init__(self, node_id: str, fraction: float) -> None:
        self.id = os.urandom(18)  # with `hex()`, as Ray's ids
        self.node_id, self.fraction = node_id, fraction
        self.gpu_id: str | None = None

    @property
    def key(self) -> str:
        return self.id.hex()


class OnNode(NamedTuple):
    """In place of Ray's NodeAffinitySchedulingStrategy."""

    node_id: str
    soft: bool


class Monitor:
    """In place of a NodeMonitor. Every reading is that of its node."""

    def __init__(self, cluster: "Cluster", node_id: str, gpu_count: int) -> None:
        self._cluster, self._node_id = cluster, node_id
        self._gpu_ids = [str(index) for index in range(gpu_count)]

    async def gpu_ids(self) -> list[str]:
        return self._gpu_ids

    async def why_ended(self, run_id: str) -> str | None:
        return self._cluster.ended_for_memory.get(run_id)

    async def missing(self, paths: Sequence[str]) -> list[str]:
        self._cluster.asked_for_files.append(self._node_id)
        if self._node_id in self._cluster.silent_nodes:
            await asyncio.Event().wait()
        return [path for path in paths if path in self._cluster.missing.get(self._node_id, ())]

    async def read(self) -> dict[str, Any]:
        self._cluster.readings += 1
        if self._node_id in self._cluster.silent_nodes:
            raise ActorUnavailableError("The monitor is restarting.", None)
        return self._cluster.reading_of[self._node_id]


class Cluster:
    """What the service sees of Ray's nodes and placement groups."""

    def __init__(self) -> None:
        self.nodes: dict[str, dict[str, Any]] = {}
        self.reading_of: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, Group] = {}
        #: the reasons of the memory guard, by run id
        self.ended_for_memory: dict[str, str] = {}
        #: the paths that are missing on nodes, and the nodes that were asked for paths
        self.missing: dict[str, set[str]] = {}
        self.asked_for_files: list[str] = []
        #: GPUs (node, id) that another program of the cluster holds
        self.held: set[tuple[str, str]] = set()
        #: nodes whose monitor does not answer
        self.silent_nodes: set[str] = set()
        #: nodes that do not answer at all, and that Ray still counts as alive
        self.dead_nodes: set[str] = set()
        #: how often monitors were asked
        self.readings = 0
        self._changed = asyncio.Event()

    def add_node(
        self,
        node_id: str,
        *,
        cpus: float = 8,
        gpus: int = 0,
        hardware: dict[str, Any] | None = None,
        usable_cores: int = 64,
        is_head: bool = False,
    ) -> None:
        """A node joins. Without `hardware` (NVML's reading of each GPU) its GPUs are logical ones."""
        head = {"node:__internal_head__": 1.0} if is_head else {}
        self.nodes[node_id] = {
            "NodeID": node_id,
            "NodeManagerHostname": f"host of {node_id}",
            "NodeManagerAddress": node_id,
            "NodeManagerPort": 1,
            "Resources": {"CPU": float(cpus), "GPU": float(gpus), **head},
            "Alive": True,
        }
        found = {"available": hardware is not None, "devices": [hardware] * gpus, "cuda_version": None}
        if hardware is not None:
            found["cuda_version"] = "13.2"
        cpu = {"usable_cores": usable_cores, "node": node_id}
        self.reading_of[node_id] = {"gpus": found | {"pytorch_version": "2.15.0"}, "cpu": cpu}

    def remove_node(self, node_id: str) -> None:
        self.nodes[node_id]["Alive"] = False

    def let_go(self, node_id: str, gpu_id: str) -> None:
        """The other program gives back a GPU."""
        self.held.discard((node_id, gpu_id))
        self._changed.set()

    # In place of actors.devices.gpu_groups:

    def reserve(self, node_id: str, gpu_fraction: float) -> Group:
        group = Group(node_id, gpu_fraction)
        self.groups[group.key] = group
        return group

    async def gpu_id(self, group: Group) -> str:
        while (gpu_id := self._free_gpu(group.node_id)) is None:
            self._changed.clear()
            await self._changed.wait()
        group.gpu_id = gpu_id
        return gpu_id

    def _free_gpu(self, node_id: str) -> str | None:
        taken = {group.gpu_id for group in self.groups.values() if group.node_id == node_id}
        taken |= {gpu_id for node, gpu_id in self.held if node == node_id}
        count = int(self.nodes[node_id]["Resources"]["GPU"])
        return next((gpu_id for gpu_id in map(str, range(count)) if gpu_id not in taken), None)

    def existing(self) -> dict[str, Group]:
        return dict(self.groups)

    def remove(self, group: Group) -> None:
        del self.groups[group.key]

    # In place of actors.devices.node_probe:

    async def answers(self, node: Node) -> bool:
        return node.id not in self.dead_nodes and self.nodes[node.id]["Alive"]

    # In place of actors.devices.node_monitor:

    def start_monitor(self, node: Node, _run_memory_limit: float) -> LocalHandle:
        return LocalHandle(Monitor(self, node.id, node.gpu_count))


def played_cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Until the end of the test, Ray's nodes and placement groups are those of an empty cluster."""
    cluster = Cluster()
    monkeypatch.setattr(ray, "nodes", lambda: list(cluster.nodes.values()))
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(current_actor="this actor"))
    monkeypatch.setattr(gpu_groups, "reserve", cluster.reserve)
    monkeypatch.setattr(gpu_groups, "gpu_id", cluster.gpu_id)
    monkeypatch.setattr(gpu_groups, "existing", cluster.existing)
    monkeypatch.setattr(gpu_groups, "remove", cluster.remove)
    monkeypatch.setattr(gpu_groups, "inside", lambda group: group)
    monkeypatch.setattr(node_monitor, "start", cluster.start_monitor)
    monkeypatch.setattr(node_probe, "answers", cluster.answers)
    # Ray's own takes only ids of Ray.
    monkeypatch.setattr(placement, "NodeAffinitySchedulingStrategy", OnNode)
    return cluster
