"""The cluster's devices: which exist, which are ready, and what their nodes are like."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.placement_group import PlacementGroup

from actors.background import Jobs
from actors.devices import gpu_groups, node_monitor, node_probe
from actors.devices.numbering import CPU, Gpu, Node, number_gpus
from actors.ray_internals.nodes import is_head

logger = logging.getLogger(__name__)

#: how often the nodes are listed and their hardware is read
LOOK_EVERY_S = 2.0
ANSWERS_WITHIN_S = 5.0


@dataclass(frozen=True)
class _ReadyGpu:
    gpu_id: str
    group: PlacementGroup


class DevicePool:
    def __init__(self, reserved_fraction: float, run_memory_limit: float = 0.0) -> None:
        """Create an empty pool; `adopt` and `look` add the devices.

        Args:
            reserved_fraction: Fraction of every GPU that runs leave free, 0 to 1.
            run_memory_limit: What one run may use, as a fraction of its node's memory; 0 for no limit.
        """
        self._run_memory_limit = run_memory_limit
        #: fraction of every GPU that is reserved for runs
        self.gpu_share = 1 - reserved_fraction
        self._nodes: dict[str, Node] = {}
        #: nodes that Ray counts as alive, but that did not answer. Nothing starts there until they do
        self._silent: set[str] = set()
        #: the host names of all nodes that were seen, by id
        self._names: dict[str, str] = {}
        self._gpus: dict[str, Gpu] = {}
        self._ready: dict[str, _ReadyGpu] = {}
        self._monitors: dict[str, Any] = {}
        self._readings: dict[str, dict[str, Any]] = {}
        self._jobs = Jobs()
        self._jobs_of: dict[str, list[asyncio.Task[None]]] = {}
        self._news = asyncio.Event()

    @property
    def gpus(self) -> list[str]:
        return list(self._gpus)

    @property
    def devices(self) -> list[str]:
        return [CPU, *self._gpus]

    def is_ready(self, device: str) -> bool:
        """Whether runs can be placed on the device now."""
        return device == CPU or device in self._ready

    def has_node(self, node_id: str) -> bool:
        return node_id in self._nodes

    def name_of(self, node_id: str) -> str:
        """The host name of a node, also of one that left."""
        return self._names.get(node_id, node_id)

    async def ask(self, node_id: str) -> bool:
        """Ask a node whether it is alive. Until it answers, nothing starts there. Returns whether it is alive."""
        node = self._nodes.get(node_id)
        if node is None:
            return False
        if await node_probe.answers(node):
            self._silent.discard(node_id)
            return True
        if node_id in self._nodes and node_id not in self._silent:
            logger.warning("node %s (%s) does not answer: nothing starts there", node.name, node_id)
            self._silent.add(node_id)
        return False

    def monitor(self, node_id: str) -> Any:
        """The handle of a node's monitor; None if the node is not in the cluster."""
        return self._monitors.get(node_id)

    async def why_ended(self, node_id: str, run_id: str) -> str | None:
        """Why the memory guard of the node has ended this run; None if it hasn't, or the node does not answer."""
        monitor = self.monitor(node_id)
        try:
            asked = monitor and monitor.why_ended.remote(run_id)
            reason: str | None = asked and await asyncio.wait_for(asked, ANSWERS_WITHIN_S)
        except (RayError, TimeoutError):
            return None
        return reason

    def places(self, device: str) -> dict[str, float]:
        """The nodes where a run on this device can be, and the CPUs of each, without the nodes that do not answer.

        Runs on the CPU are on the nodes with CPUs. A cluster whose nodes have none uses all of them.
        """
        if device == CPU:
            nodes = [node for node in self._nodes.values() if node.cpus > 0] or list(self._nodes.values())
        else:
            nodes = [self.node(device)]
        return {node.id: node.cpus for node in nodes if node.id not in self._silent}

    async def adopt(self, saved: list[dict[str, Any]]) -> None:
        """Take over the GPUs that an earlier task manager of this cluster reserved, and give back all others.

        Args:
            saved: The result of its `as_saved`.
        """
        groups = await asyncio.to_thread(gpu_groups.existing)
        for row in saved:
            if group := groups.pop(row["group"], None):
                gpu = Gpu(row["number"], row["node_id"], row["index"])
                self._gpus[gpu.device] = gpu
                self._ready[gpu.device] = _ReadyGpu(row["gpu_id"], group)
        for group in groups.values():
            await asyncio.to_thread(gpu_groups.remove, group)

    def as_saved(self) -> list[dict[str, Any]]:
        """The ready GPUs as JSON-compatible rows, for `adopt`."""
        return [
            {
                "device": device,
                "number": self._gpus[device].number,
                "node_id": self._gpus[device].node_id,
                "index": self._gpus[device].index,
                "gpu_id": ready.gpu_id,
                "group": ready.group.id.hex(),
            }
            for device, ready in self._ready.items()
        ]

    async def look(self) -> set[str]:
        """Update the list of nodes. The preparation of new GPUs starts, but this does not wait for it.

        Returns:
            The devices that are gone, including those whose number now belongs to another GPU.
        """
        nodes = {node.id: node for node in await asyncio.to_thread(_alive_nodes)}
        before = self._gpus
        self._gpus = {gpu.device: gpu for gpu in number_gpus(list(before.values()), nodes.values())}
        lost = {device for device, gpu in before.items() if self._gpus.get(device) != gpu}
        await asyncio.gather(*(self.ask(node_id) for node_id in self._silent & nodes.keys()))
        joined = [node for node in nodes.values() if node.id not in self._nodes]
        gone = [node for node in self._nodes.values() if node.id not in nodes]
        self._nodes = nodes
        self._silent &= nodes.keys()
        self._names |= {node.id: node.name for node in joined}
        for device in lost & self._ready.keys():
            self._give_back(self._ready.pop(device).group)
        for node in gone:
            logger.warning("node %s (%s) has left the cluster", node.name, node.id)
            for job in self._jobs_of.pop(node.id, []):
                job.cancel()
            self._monitors.pop(node.id, None)
            self._readings.pop(node.id, None)
        for node in joined:
            logger.info("node %s (%s) has %g CPUs and %d GPUs", node.name, node.id, node.cpus, node.gpu_count)
            self._monitors[node.id] = node_monitor.start(node, self._run_memory_limit)
            unclaimed = sum(g.node_id == node.id and g.device not in self._ready for g in self._gpus.values())
            work = {f"the monitor of node {node.id}": self._watch}
            work |= {f"the preparation of GPU {n} of node {node.id}": self._claim for n in range(unclaimed)}
            self._jobs_of[node.id] = [
                self._jobs.keep(what, partial(do, node.id), retry_s=LOOK_EVERY_S) for what, do in work.items()
            ]
        return lost

    async def news(self) -> None:
        """Wait until a GPU becomes ready or it is time to look again."""
        try:
            await asyncio.wait_for(self._news.wait(), LOOK_EVERY_S)
        except TimeoutError:
            return
        self._news.clear()

    async def _claim(self, node_id: str) -> None:
        """Reserve one of the node's GPUs, find out which one it is, and mark it as ready."""
        group = await self._reserve(node_id)
        try:
            gpu_id = await gpu_groups.gpu_id(group)
            gpu_ids = await self._monitors[node_id].gpu_ids.remote()
            await self._read(node_id)
            place = (node_id, gpu_ids.index(gpu_id))
            gpu = next(gpu for gpu in self._gpus.values() if (gpu.node_id, gpu.index) == place)
        except BaseException:
            self._give_back(group)
            raise
        logger.info("%s is GPU %s of node %s", gpu.device, gpu_id, node_id)
        self._ready[gpu.device] = _ReadyGpu(gpu_id, group)
        self._news.set()

    async def _reserve(self, node_id: str) -> PlacementGroup:
        reserving = asyncio.create_task(asyncio.to_thread(gpu_groups.reserve, node_id, self.gpu_share))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:  # the node is gone. The thread goes on, and the group comes all the same
            self._jobs.spawn(self._give_back_late(reserving))
            raise

    async def _give_back_late(self, reserving: "asyncio.Task[PlacementGroup]") -> None:
        self._give_back(await reserving)

    def _give_back(self, group: PlacementGroup) -> None:
        # Not waited for: an error here must not hide why the group is given back.
        self._jobs.spawn(asyncio.to_thread(gpu_groups.remove, group))

    async def _watch(self, node_id: str) -> None:
        while True:
            try:
                await self._read(node_id)
            except RayError as error:  # no reason for a traceback: Ray restarts it
                logger.warning("the monitor of node %s does not answer: %s", node_id, error)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _read(self, node_id: str) -> None:
        self._readings[node_id] = await self._monitors[node_id].read.remote()

    # Properties of the devices:

    def node(self, device: str) -> Node:
        """The node that has this GPU."""
        return self._nodes[self._gpus[device].node_id]

    def group(self, device: str) -> PlacementGroup:
        """The placement group that has this GPU. The GPU must be ready."""
        return self._ready[device].group

    def gpu_id(self, device: str) -> str:
        """The id that the GPU has on its node. The GPU must be ready."""
        return self._ready[device].gpu_id

    def hardware(self, device: str) -> dict[str, Any] | None:
        """NVML's reading of the GPU; None for a logical GPU, and before the first reading."""
        gpu = self._gpus[device]
        reading = self._readings.get(gpu.node_id)
        found: dict[str, Any] | None = reading and reading["gpus"]["devices"][gpu.index]
        return found

    def free_memory_gb(self, device: str) -> float:
        hardware = self.hardware(device) if device in self._gpus else None
        return (hardware or {}).get("free_memory_gb") or 0.0

    def software(self) -> dict[str, Any]:
        """`cuda_version` and `pytorch_version`, if possible from a node with a usable GPU."""
        known = [self._readings[node_id]["gpus"] for node_id in self._ordered_nodes() if node_id in self._readings]
        best = next((gpus for gpus in known if gpus["available"]), known[0] if known else {})
        return {name: best.get(name) for name in ("cuda_version", "pytorch_version")}

    def cpus(self) -> list[dict[str, Any]]:
        """The CPU reading of every node that has one, the head node first."""
        return [self._readings[node_id]["cpu"] for node_id in self._ordered_nodes() if node_id in self._readings]

    def _ordered_nodes(self) -> list[str]:
        return sorted(self._nodes, key=lambda node_id: not self._nodes[node_id].is_head)

    def cpus_of(self, node_id: str) -> float:
        """The CPUs of a node as Ray counts them. The node must be in the cluster."""
        return self._nodes[node_id].cpus

    def node_cpus(self) -> dict[str, float]:
        """The CPUs of each node as Ray counts them."""
        return {node.id: node.cpus for node in self._nodes.values()}

    def usable_cpus(self) -> dict[str, float]:
        """The CPUs of each node that it really has, at most those that Ray counts.

        Ray may have been given a larger number, so that more runs fit beside each other.
        """
        usable = {node_id: reading["cpu"]["usable_cores"] for node_id, reading in self._readings.items()}
        return {node.id: min(node.cpus, usable.get(node.id, node.cpus)) for node in self._nodes.values()}


def _alive_nodes() -> list[Node]:
    return [
        Node(
            id=node["NodeID"],
            name=node["NodeManagerHostname"],
            address=node["NodeManagerAddress"],
            is_head=is_head(node),
            cpus=node["Resources"].get("CPU", 0.0),
            gpu_count=int(node["Resources"].get("GPU", 0)),
            port=node["NodeManagerPort"],
        )
        for node in ray.nodes()
        if node["Alive"]
    ]
