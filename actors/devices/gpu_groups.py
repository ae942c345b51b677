"""Placement groups of one GPU each: a run in such a group is on exactly that GPU.

The groups are detached, so that a restarted task manager finds its runs alive in them.
"""

import uuid

import ray
from ray.util.placement_group import (
    PlacementGroup,
    placement_group,
    placement_group_table,
    remove_placement_group,
)
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

_PREFIX = "rfuav GPU "
#: the smallest fraction of a GPU that Ray can count
_PROBE_FRACTION = 0.0001


def reserve(node_id: str, gpu_fraction: float) -> PlacementGroup:
    """Request a fraction of one of the node's GPUs, without waiting for it.

    Ray chooses the GPU. The group stays pending while others hold all GPUs of the node.

    Args:
        node_id: Ray's id of the node.
        gpu_fraction: The fraction of the GPU, 0 to 1.
    """
    return placement_group(
        [{"GPU": gpu_fraction}],
        name=_PREFIX + uuid.uuid4().hex,
        lifetime="detached",
        bundle_label_selector=[{"ray.io/node-id": node_id}],
    )


async def gpu_id(group: PlacementGroup) -> str:
    """Wait until the group has a GPU, and return the id that the GPU has on its node."""
    probe = ray.remote(num_cpus=0, enable_task_events=False)(_own_gpu_id)
    where = inside(group)
    own_gpu_id: str = await probe.options(num_gpus=_PROBE_FRACTION, scheduling_strategy=where).remote()
    return own_gpu_id


def _own_gpu_id() -> str:
    return str(ray.get_gpu_ids()[0])


def inside(group: PlacementGroup) -> PlacementGroupSchedulingStrategy:
    return PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=0)


def existing() -> dict[str, PlacementGroup]:
    """The groups that this or an earlier task manager created, by id (hex)."""
    return {
        group_id: PlacementGroup(ray.PlacementGroupID.from_hex(group_id))
        for group_id, row in placement_group_table().items()
        if row["name"].startswith(_PREFIX) and row["state"] != "REMOVED"
    }


def remove(group: PlacementGroup) -> None:
    """Remove the group. Ray kills the runs that are still in it."""
    remove_placement_group(group)


def remove_all() -> None:
    for group in existing().values():
        remove(group)
