"""The DevicePool over a cluster that is played: devices that come and go."""

import asyncio
import threading

import pytest
from ray.exceptions import ActorUnavailableError

from actors.devices import gpu_groups
from actors.devices import pool as device_pool
from actors.devices.pool import DevicePool
from tests.support.waiting import others_had_their_turn, until
from tests.unit.actors.devices.conftest import RESERVED_FRACTION, WITHIN_S

H200 = {"name": "H200", "free_memory_gb": 120.5}


async def look_until_ready(pool, *devices):
    await pool.look()
    await until(lambda: all(pool.is_ready(device) for device in devices))


async def look_until_read(pool, nodes):
    await pool.look()
    await until(lambda: len(pool.cpus()) == nodes)


def test_pool_look_finds_the_gpus_of_all_nodes_and_reserves_each(cluster, play):
    cluster.add_node("b", gpus=2)
    cluster.add_node("a", gpus=1)

    async def scenario(pool):
        assert pool.devices == ["cpu"] and pool.is_ready("cpu")
        assert await pool.look() == set()
        assert pool.gpus == ["cuda:0", "cuda:1", "cuda:2"]
        assert not any(pool.is_ready(device) for device in pool.gpus)
        await look_until_ready(pool, *pool.gpus)
        assert [pool.node(device).name for device in pool.gpus] == ["host of a", "host of b", "host of b"]
        assert [pool.gpu_id(device) for device in pool.gpus] == ["0", "0", "1"]

    play(scenario)
    assert [group.fraction for group in cluster.groups.values()] == [1 - RESERVED_FRACTION] * 3


def test_pool_look_a_gpu_of_another_program_is_listed_and_opened_when_it_is_free(cluster, play):
    cluster.add_node("a", gpus=2)
    cluster.held = {("a", "0")}

    async def scenario(pool):
        await look_until_ready(pool, "cuda:1")
        assert not pool.is_ready("cuda:0")
        cluster.let_go("a", "0")
        await look_until_ready(pool, "cuda:0")
        assert pool.gpu_id("cuda:0") == "0"

    play(scenario)


def test_pool_news_comes_when_a_gpu_is_ready(cluster, play, monkeypatch):
    monkeypatch.setattr(device_pool, "LOOK_EVERY_S", 1000)
    cluster.add_node("a", gpus=1)

    async def scenario(pool):
        await pool.look()
        await pool.news()
        assert pool.is_ready("cuda:0")

    play(scenario)


def test_pool_news_comes_when_it_is_time_to_look_again(cluster, play):
    async def scenario(pool):
        await pool.news()
        return await pool.look()

    assert play(scenario) == set()


def test_pool_look_a_node_that_leaves_takes_its_gpus_with_it(cluster, play):
    cluster.add_node("a", gpus=1)
    cluster.add_node("b", gpus=1)

    async def scenario(pool):
        await look_until_ready(pool, "cuda:0", "cuda:1")
        await look_until_read(pool, 3)
        cluster.remove_node("a")
        assert await pool.look() == {"cuda:0"}
        assert pool.gpus == ["cuda:1"] and not pool.is_ready("cuda:0")
        assert len(pool.cpus()) == 2
        assert await pool.look() == set()
        await until(lambda: len(cluster.groups) == 1)

    play(scenario)
    assert [group.node_id for group in cluster.groups.values()] == ["b"]


def test_pool_look_a_node_that_replaces_another_gets_its_numbers_and_the_device_was_lost(cluster, play):
    cluster.add_node("a", gpus=1)

    async def scenario(pool):
        await look_until_ready(pool, "cuda:0")
        cluster.remove_node("a")
        cluster.add_node("b", gpus=1)
        assert await pool.look() == {"cuda:0"}
        assert pool.node("cuda:0").name == "host of b" and not pool.is_ready("cuda:0")
        await until(lambda: pool.is_ready("cuda:0") and len(cluster.groups) == 1)

    play(scenario)
    assert [group.node_id for group in cluster.groups.values()] == ["b"]


def test_pool_look_a_node_that_leaves_while_its_gpu_is_awaited_gives_the_group_back(cluster, play):
    cluster.add_node("a", gpus=1)
    cluster.held = {("a", "0")}

    async def scenario(pool):
        await pool.look()
        await until(lambda: cluster.groups)
        cluster.remove_node("a")
        assert await pool.look() == {"cuda:0"}
        await until(lambda: not cluster.groups)
        assert pool.gpus == []

    play(scenario)
    assert cluster.groups == {}


def test_pool_look_a_node_that_leaves_during_a_reservation_gives_the_group_back(cluster, play, monkeypatch):
    cluster.add_node("a", gpus=1)
    is_reserving, may_go_on = threading.Event(), threading.Event()
    reserved = []

    def reserve(node_id, fraction):
        is_reserving.set()
        assert may_go_on.wait(WITHIN_S)
        reserved.append(cluster.reserve(node_id, fraction))
        return reserved[0]

    monkeypatch.setattr(gpu_groups, "reserve", reserve)

    async def scenario(pool):
        await pool.look()
        await asyncio.to_thread(is_reserving.wait, WITHIN_S)
        cluster.remove_node("a")
        await pool.look()
        await others_had_their_turn()
        assert reserved == []
        may_go_on.set()
        await until(lambda: reserved and not cluster.groups)

    play(scenario)


def test_pool_look_the_preparation_for_a_node_that_left_ends_though_its_group_cannot_be_removed(
    cluster, play, monkeypatch
):
    cluster.add_node("a", gpus=1)
    cluster.held = {("a", "0")}

    def fail(group):
        raise ActorUnavailableError("Ray does not answer.", None)

    monkeypatch.setattr(gpu_groups, "remove", fail)

    async def scenario(pool):
        await pool.look()
        await until(lambda: cluster.groups)
        cluster.remove_node("a")
        await pool.look()
        readings = cluster.readings
        await until(lambda: cluster.readings > readings + 10)
        assert len(cluster.groups) == 1

    play(scenario)


@pytest.mark.parametrize("error", [ActorUnavailableError("The probe died.", None), ZeroDivisionError("a bug")])
def test_pool_look_a_gpu_that_cannot_be_prepared_is_tried_again(cluster, play, monkeypatch, error):
    cluster.add_node("a", gpus=1)
    failures = [error] * 2

    async def gpu_id(group):
        if failures:
            raise failures.pop()
        return await cluster.gpu_id(group)

    monkeypatch.setattr(gpu_groups, "gpu_id", gpu_id)

    async def scenario(pool):
        await look_until_ready(pool, "cuda:0")
        await until(lambda: len(cluster.groups) == 1)

    play(scenario)
    assert failures == []


def test_pool_adopt_takes_over_the_saved_gpus_and_gives_back_all_others(cluster, play):
    cluster.add_node("a", gpus=2)

    async def first(pool):
        await look_until_ready(pool, "cuda:0", "cuda:1")
        return pool.as_saved()

    saved = play(first)
    assert [row["device"] for row in saved] == ["cuda:0", "cuda:1"]
    groups = dict(cluster.groups)
    forgotten = cluster.reserve("a", 0.9).key

    async def second(pool):
        await pool.adopt(saved)
        assert forgotten not in cluster.groups
        assert pool.is_ready("cuda:0") and pool.is_ready("cuda:1")
        assert await pool.look() == set()
        await until(lambda: cluster.readings > 50)
        assert pool.as_saved() == saved
        assert cluster.groups == groups

    play(second)


def test_pool_adopt_a_saved_gpu_whose_group_is_gone_is_reserved_anew(cluster, play):
    cluster.add_node("a", gpus=1)
    gone = {"device": "cuda:0", "number": 0, "node_id": "a", "index": 0, "gpu_id": "0", "group": "gone"}

    async def scenario(pool):
        await pool.adopt([gone])
        assert not pool.is_ready("cuda:0")
        await look_until_ready(pool, "cuda:0")

    play(scenario)
    assert len(cluster.groups) == 1


def test_pool_hardware_is_that_of_the_last_reading(cluster, play):
    cluster.add_node("a")
    cluster.add_node("logical", gpus=1)
    cluster.add_node("real", gpus=1, hardware=H200)

    async def scenario(pool):
        await pool.look()
        assert pool.hardware("cuda:1") is None and pool.free_memory_gb("cuda:1") == 0
        assert pool.software() == {"cuda_version": None, "pytorch_version": None}
        await until(lambda: len(pool.cpus()) == 4)
        assert [pool.hardware(device) for device in pool.gpus] == [None, H200]
        assert [pool.free_memory_gb(device) for device in ("cuda:0", "cuda:1", "cuda:9")] == [0, 120.5, 0]
        assert pool.software() == {"cuda_version": "13.2", "pytorch_version": "2.15.0"}
        assert pool.cpus()[0]["node"] == "head"

    play(scenario)


def test_pool_hardware_is_read_again_after_an_error(cluster, play, monkeypatch):
    failures = [ZeroDivisionError("a bug")] * 2
    read = DevicePool._read  # noqa: SLF001  (the one call that each reading makes)

    async def fail_at_first(pool, node_id):
        if failures:
            raise failures.pop()
        await read(pool, node_id)

    monkeypatch.setattr(DevicePool, "_read", fail_at_first)

    async def scenario(pool):
        await look_until_read(pool, 1)
        assert failures == [] and pool.cpus()[0]["node"] == "head"

    play(scenario)


def test_pool_look_a_group_that_cannot_be_removed_hides_no_lost_device(cluster, play, monkeypatch):
    cluster.add_node("a", gpus=1)

    def fail(group):
        raise ZeroDivisionError("a bug")

    async def scenario(pool):
        await look_until_ready(pool, "cuda:0")
        monkeypatch.setattr(gpu_groups, "remove", fail)
        cluster.remove_node("a")
        assert await pool.look() == {"cuda:0"}

    play(scenario)


def test_pool_hardware_is_read_again_after_a_monitor_was_silent(cluster, play):
    async def scenario(pool):
        cluster.silent_nodes.add("head")
        await pool.look()
        await until(lambda: cluster.readings > 2)
        assert pool.cpus() == []
        cluster.silent_nodes.clear()
        await until(pool.cpus)

    play(scenario)
