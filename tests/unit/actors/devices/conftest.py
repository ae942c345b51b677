"""A DevicePool over a cluster that is played."""

import asyncio

import pytest

from actors.devices import pool as device_pool
from actors.devices.pool import DevicePool
from tests.support.cluster import played_cluster

WITHIN_S = 30
RESERVED_FRACTION = 0.1


@pytest.fixture
def cluster(monkeypatch):
    """A head node with 4 CPUs and without GPUs. Whoever waits for the next look or tries again does so at once."""
    monkeypatch.setattr(device_pool, "LOOK_EVERY_S", 0)
    cluster = played_cluster(monkeypatch)
    cluster.add_node("head", cpus=4, is_head=True)
    return cluster


@pytest.fixture
def play():
    """Run a coroutine function with an empty pool."""

    def run(scenario):
        async def main():
            return await scenario(DevicePool(RESERVED_FRACTION))

        return asyncio.run(asyncio.wait_for(main(), WITHIN_S))

    return run


@pytest.fixture
def play_looked(play):
    """Run a coroutine function with a pool that has found the nodes."""

    def run(scenario):
        async def looked(pool):
            await pool.look()
            return await scenario(pool)

        return play(looked)

    return run
