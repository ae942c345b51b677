"""Asks nodes whether they have the inputs of a run: a disk or a mount may be on some nodes only."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from ray.exceptions import RayError

from actors.devices.pool import ANSWERS_WITHIN_S, DevicePool


class Misplaced(Exception):
    """The node of a run does not have its inputs, and another node may have them."""


async def lacking(pool: DevicePool, paths: Sequence[str], node_ids: Collection[str]) -> dict[str, list[str]]:
    """Ask all these nodes at once which of the paths are missing there.

    Returns:
        The missing paths by node, without the nodes that lack none. A node that does not answer in time lacks
        none, as far as anybody knows.
    """
    answers = await asyncio.gather(*(_missing(pool, paths, node_id) for node_id in node_ids))
    return {node_id: missing for node_id, missing in zip(node_ids, answers, strict=True) if missing}


def described(pool: DevicePool, missing: Mapping[str, Sequence[str]]) -> str:
    """The answer of `lacking` in words: `'/a' is missing on x, y; '/b' is missing on z`."""
    names: dict[str, list[str]] = {}
    for node_id, paths in missing.items():
        for path in paths:
            names.setdefault(path, []).append(pool.name_of(node_id))
    return "; ".join(f"'{path}' is missing on {', '.join(sorted(nodes))}" for path, nodes in names.items())


async def _missing(pool: DevicePool, paths: Sequence[str], node_id: str) -> list[str]:
    monitor = pool.monitor(node_id)
    if monitor is None:
        return []
    try:
        missing: list[str] = await asyncio.wait_for(monitor.missing.remote(paths), ANSWERS_WITHIN_S)
    except (RayError, TimeoutError):
        return []
    return missing
