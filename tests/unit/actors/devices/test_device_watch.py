"""What the watch tells of devices and limits, over a real store; the cluster is played."""

import asyncio

import pytest

from actors.devices import device_watch, node_probe
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
    monkeypatch.setattr(device_watch, "ASK_AGAIN_AFTER_S", 0)
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
        await until(lambda: told[-1][0].get("cuda:0") == Offer(GPU, is_open=True, nodes={"a": 8.0}))
        assert Offer(GPU, is_open=False, nodes={"a": 8.0}) in [offers.get("cuda:0") for offers, _ in told]
        assert told[-1][0]["cpu"].nodes == {"head": 8.0, "a": 8.0}
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


def test_device_watch_runs_on_the_cpu_are_on_nodes_with_cpus(cluster, play):
    cluster.add_node("only GPUs", cpus=0, gpus=1)

    async def scenario(watch, told):
        await watch.begin()
        assert told[-1][0]["cpu"].nodes == {"head": 8.0}

    play(scenario)


def test_device_watch_why_gone_of_a_node_that_is_alive(cluster, play):
    async def scenario(watch, told):
        await watch.begin()
        assert await watch.why_gone("head") is None

    play(scenario)


def test_device_watch_why_gone_waits_until_ray_knows_and_the_nodes_devices_are_closed_before(cluster, play):
    cluster.add_node("a", gpus=1)

    async def scenario(watch, told):
        await watch.begin()
        await until(lambda: told[-1][0]["cuda:0"].is_open)
        cluster.dead_nodes.add("a")
        asking = [asyncio.create_task(watch.why_gone("a")) for _ in range(2)]  # two runs were there
        await until(lambda: told[-1][0]["cpu"].nodes == {"head": 8.0})
        assert not told[-1][0]["cuda:0"].is_open and not any(question.done() for question in asking)
        cluster.remove_node("a")
        assert await asyncio.gather(*asking) == ["The node host of a left the cluster."] * 2
        assert set(told[-1][0]) == {"cpu"}
        assert await watch.why_gone("a") == "The node host of a left the cluster."

    play(scenario)


def test_device_watch_why_gone_of_a_node_that_goes_while_it_is_asked_again(cluster, play, monkeypatch):
    cluster.add_node("a")
    answers = [True, False]

    async def answer(node):
        if not answers:
            cluster.remove_node("a")
            return False
        return answers.pop(0)

    monkeypatch.setattr(node_probe, "answers", answer)

    async def scenario(watch, told):
        await watch.begin()
        assert await watch.why_gone("a") == "The node host of a left the cluster."

    play(scenario)


def test_device_watch_a_node_that_does_not_decide_is_left_out_until_it_answers_again(cluster, play, monkeypatch):
    monkeypatch.setattr(device_watch, "NODE_DECIDES_WITHIN_S", 0)
    cluster.dead_nodes.add("head")

    async def scenario(watch, told):
        await watch.begin()
        assert await watch.why_gone("head") == "The node host of head does not answer."
        assert not told[-1][0]["cpu"].is_open
        cluster.dead_nodes.clear()
        await until(lambda: told[-1][0]["cpu"].is_open)

    play(scenario)
