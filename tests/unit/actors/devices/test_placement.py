"""How runs are placed on the nodes of a cluster that is played."""

from actors.devices.placement import node_fraction, run_options, workers
from actors.devices.pool import DevicePool
from tests.support.waiting import until


def test_placement_a_run_on_the_cpu_takes_a_part_of_its_own_node(cluster, play_looked):
    cluster.add_node("a", cpus=8)

    async def scenario(pool):
        for node_id, cpus in (("head", 1.3333), ("a", 2.6666)):
            options = run_options(pool, "cpu", 1 / 3, node_id)
            where = options.pop("scheduling_strategy")
            # Rounded down to Ray's unit, so that the third run fits.
            assert options == {"num_cpus": cpus, "num_gpus": 0}
            assert (where.node_id, where.soft) == (node_id, False)

    play_looked(scenario)


def test_placement_a_run_on_a_gpu_takes_a_part_of_its_group(cluster, play_looked):
    cluster.add_node("a", gpus=1)

    async def scenario(pool):
        await until(lambda: pool.is_ready("cuda:0"))
        options = run_options(pool, "cuda:0", 1 / 7, "a")
        (group,) = cluster.groups.values()
        # Rounded down to Ray's unit, so that the seventh run fits.
        assert options == {"num_cpus": 0, "num_gpus": 0.1285, "scheduling_strategy": group}

    play_looked(scenario)


def test_placement_runs_on_gpus_share_their_own_node(cluster, play_looked):
    cluster.add_node("a", gpus=1)
    cluster.add_node("b", gpus=4)

    async def scenario(pool):
        assert [node_fraction(pool, device, 0.25) for device in pool.gpus] == [0.25, *[0.0625] * 4]
        assert node_fraction(pool, "cuda:0", 0) == 0

    play_looked(scenario)


def test_placement_workers_are_those_of_the_cpus_that_the_nodes_really_have(cluster, play_looked):
    cluster.add_node("a", cpus=16, usable_cores=6)

    async def scenario(pool):
        assert workers(pool, 0.5, 1) == (20, 0.5)  # as Ray counts, before a reading
        await until(lambda: len(pool.cpus()) == 2)
        assert workers(pool, 0.5, 1) == (10, 1.0)
        assert workers(pool, 0.5, 3) == (3, 3.3333)
        assert workers(pool, 0.5, 100) == (1, 10.0)
        assert workers(pool, 0.5, 1, without={"head"}) == (6, 1.3333)

    play_looked(scenario)


def test_placement_workers_before_there_is_a_node():
    assert workers(DevicePool(0.1), 1, 1) == (1, 0)
