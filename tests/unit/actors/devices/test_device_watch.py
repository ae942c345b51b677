"""What the watch tells of devices and limits, over a real store; the cluster is played."""

import asyncio

import pytest

from actors.devices import pool as device_pool
from actors.devices.device_watch import DeviceWatch
from actors.devices.pool import DevicePool
from actors.devices.slots import Offer
from actors.store.setup import prepare_store
from actors.store.store import Store, database_url
from rfuav_ray.errors import InvalidInput
from rfuav_ray.settings import Settings
from tests.support.cluster import played_cluster
from tests.support.waiting import until

WITHIN_S = 30
GPU = {"training": 1, "inference": 3}


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setattr(device_pool, "LOOK_EVERY_S", 0)
    cluster = played_cluster(monkeypatch)
    cluster.add_node("head", is_head=True)
    return cluster


@pytest.fixture
def play(cluster, tmp_path):
    """Run a scenario with a new watch and the list of what it tells: one life of the TaskManager."""
    url = database_url("", tmp_path)
    prepare_store(url)

    def run(scenario):
        async def main():
            watch = DeviceWatch(Settings(_env_file=None), Store(url))
            told = []
            watch.on_change.append(lambda offers, lost: told.append((offers, set(lost))))
            return await scenario(watch, told)

        return asyncio.run(asyncio.wait_for(main(), WITHIN_S))

    return run


def test_device_watch_tells_of_a_gpu_that_is_opened_and_of_one_that_is_lost(cluster, play):
    async def scenario(watch, told):
        await watch.begin()
        assert set(told[0][0]) == {"cpu"} and await watch.are_open(0)
        cluster.add_node("a", gpus=1)
        await until(lambda: told[-1][0].get("cuda:0") == Offer(GPU, is_open=True))
        assert Offer(GPU, is_open=False) in [offers.get("cuda:0") for offers, _ in told]
        cluster.remove_node("a")
        await until(lambda: told[-1][1] == {"cuda:0"})
        assert set(told[-1][0]) == {"cpu"}

    play(scenario)


def test_device_watch_goes_on_after_errors(cluster, play, monkeypatch):
    failures = [ZeroDivisionError("a bug")]
    news = DevicePool.news

    async def fail_at_first(pool):
        if failures:
            raise failures.pop()
        await news(pool)

    monkeypatch.setattr(DevicePool, "news", fail_at_first)

    async def scenario(watch, told):
        await watch.begin()
        cluster.add_node("a", gpus=1)
        await until(lambda: "cuda:0" in told[-1][0])
        assert failures == []

    play(scenario)


def test_device_watch_limits_are_told_at_once_and_kept_in_another_life(play):
    async def changes(watch, told):
        await watch.begin()
        await watch.change_limits({"cpu": {"training": 7}})
        assert told[-1][0]["cpu"].limits["training"] == 7
        with pytest.raises(InvalidInput, match="unknown device"):
            await watch.change_limits({"cuda": {"training": 1}})

    async def knows(watch, told):
        await watch.begin()
        assert told[0][0]["cpu"].limits["training"] == 7

    play(changes)
    play(knows)


def test_device_watch_devices_that_do_not_open_are_not_waited_for_longer_than_asked(cluster, play):
    cluster.add_node("a", gpus=1)
    cluster.held = {("a", "0")}

    async def scenario(watch, told):
        await watch.begin()
        assert not await watch.are_open(0.01)
        cluster.let_go("a", "0")
        assert await watch.are_open(WITHIN_S)

    play(scenario)
