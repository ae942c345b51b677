"""How a run is placed on a device: its Ray options, its workers, and its part of the node."""

from collections.abc import Collection
from typing import Any

from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.devices import gpu_groups
from actors.devices.numbering import CPU
from actors.devices.pool import DevicePool


def run_options(pool: DevicePool, device: str, fraction: float, node_id: str) -> dict[str, Any]:
    """The Ray options of a run.

    Args:
        pool: The cluster's devices.
        device: The run's device.
        fraction: Fraction of the device on this node that the run takes, 0 to 1.
        node_id: The node of a run on the CPU. A GPU has only one.
    """
    if device == CPU:
        cpus = _rounded_down(fraction * pool.cpus_of(node_id))
        return {"num_cpus": cpus, "num_gpus": 0, "scheduling_strategy": on_node(node_id)}
    placed = gpu_groups.inside(pool.group(device))
    return {"num_cpus": 0, "num_gpus": _rounded_down(fraction * pool.gpu_share), "scheduling_strategy": placed}


def on_node(node_id: str) -> NodeAffinitySchedulingStrategy:
    """Where a run of this node starts. If the node leaves before, Ray ends the run, and it is placed anew."""
    return NodeAffinitySchedulingStrategy(node_id, soft=False)


def node_fraction(pool: DevicePool, device: str, fraction: float) -> float:
    """The fraction of its node that a run on a GPU may use: its fraction of one of the node's GPUs."""
    return fraction / pool.node(device).gpu_count


def workers(
    pool: DevicePool, fraction: float, concurrent_runs: int, without: Collection[str] = ()
) -> tuple[int, float]:
    """The workers of a run that spreads over the cluster.

    Ray counts no more CPUs for all of them together than the run's fraction. So the workers fill an idle machine,
    and never occupy the slots of other runs.

    Args:
        pool: The cluster's devices.
        fraction: Fraction of each node's CPUs that Ray counts for the run, 0 to 1.
        concurrent_runs: How many such runs can work at the same time.
        without: Nodes where none of the workers may be.

    Returns:
        The number of workers, and the CPUs that Ray counts for each.
    """
    usable, counted = (
        [cpus for node_id, cpus in of_nodes.items() if node_id not in without]
        for of_nodes in (pool.usable_cpus(), pool.node_cpus())
    )
    count = max(1, sum(map(int, usable)) // max(1, concurrent_runs))
    return count, _rounded_down(fraction * sum(counted) / count)


def _rounded_down(amount: float) -> float:
    """Round down to Ray's unit, 1/10000. Rounding up could keep the last slot's run from fitting."""
    return int(amount * 10_000 + 1e-6) / 10_000
