import pytest

from actors.devices.slots import Offer, SlotTable

GPU = {"cuda:0": {"training": 1, "inference": 3}}


def test_slots_a_slot_cannot_be_taken_twice():
    slots = SlotTable({"cpu": {"training": 1}, "cuda:1": {"training": 1}})
    slots.take("a", "cpu", "training")
    with pytest.raises(ValueError, match="holds a slot already"):
        slots.take("a", "cuda:1", "training")
    with pytest.raises(ValueError, match="no free training slot"):
        slots.take("b", "cpu", "training")


def test_slots_the_shares_of_all_slots_fill_a_device():
    slots = SlotTable(GPU)
    slots.take("t", "cuda:0", "training")
    for name in "abc":
        slots.take(name, "cuda:0", "inference")
    assert [holding.fraction for holding in slots.holdings] == [0.25] * 4


def test_slots_a_run_after_a_raised_cap_takes_no_more_than_the_earlier_ones_left():
    slots = SlotTable({"cuda:0": {"training": 1, "inference": 1}})
    slots.take("t", "cuda:0", "training")
    slots.update({"cuda:0": Offer(GPU["cuda:0"])})
    for name in "abc":
        slots.take(name, "cuda:0", "inference")
    assert sum(slots.fraction(name) for name in "abc") == pytest.approx(0.5)
    slots.update({"cuda:0": Offer({"training": 2, "inference": 3})})
    slots.take("u", "cuda:0", "training")
    assert slots.fraction("u") == 0


def test_slots_a_run_after_a_lowered_cap_takes_its_whole_share():
    slots = SlotTable(GPU)
    slots.take("t", "cuda:0", "training")
    slots.update({"cuda:0": Offer({"training": 1, "inference": 1})})
    slots.take("a", "cuda:0", "inference")
    assert slots.fraction("a") == 0.5


def test_slots_a_device_that_left_has_no_slots_and_its_runs_can_still_be_released():
    slots = SlotTable({"cpu": {"training": 1}, **GPU})
    slots.take("t", "cuda:0", "training")
    slots.update({}, lost={"cuda:0"})
    assert slots.devices == ["cpu"]
    assert slots.free("cuda:0", "inference") <= 0
    slots.release("t")
    assert slots.holdings == []


def test_slots_devices_come_in_the_order_of_their_numbers():
    slots = SlotTable({device: {"training": 1} for device in ("cuda:10", "cuda:2", "cpu")})
    assert slots.devices == ["cpu", "cuda:2", "cuda:10"]


def test_slots_a_device_whose_number_now_belongs_to_another_gpu_is_there_and_its_runs_keep_their_slots():
    slots = SlotTable(GPU)
    slots.take("t", "cuda:0", "training")
    slots.update({"cuda:0": Offer({"training": 2, "inference": 3}, is_open=False)}, lost={"cuda:0"})
    assert (slots.used("cuda:0", "training"), slots.free("cuda:0", "training"), len(slots)) == (1, 0, 1)
    slots.release("t")
    slots.release("t")
    assert (slots.used("cuda:0", "training"), len(slots)) == (0, 0)


NODES = {"a": 4.0, "b": 4.0, "c": 4.0}
CPU = {"training": 2, "inference": 1, "preprocessing": 1}


@pytest.fixture
def three_nodes():
    slots = SlotTable({})
    slots.update({"cpu": Offer(CPU, nodes=NODES)})
    return slots


def test_slots_a_limit_counts_on_each_node_and_runs_are_spread(three_nodes):
    nodes = [three_nodes.take(str(n), "cpu", "training").node_id for n in range(6)]
    assert sorted(nodes[:3]) == sorted(nodes[3:]) == ["a", "b", "c"]
    assert (three_nodes.free("cpu", "training"), three_nodes.used("cpu", "training")) == (0, 6)
    assert three_nodes.limits("cpu") == CPU
    three_nodes.release("4")
    assert three_nodes.take("next", "cpu", "training").node_id == nodes[4]


def test_slots_avoided_nodes_have_no_free_slots_and_are_not_taken(three_nodes):
    assert three_nodes.free("cpu", "training", {"a", "c"}) == 2
    taken = [three_nodes.take(str(n), "cpu", "training", {"a", "c"}) for n in range(2)]
    assert [holding.node_id for holding in taken] == ["b", "b"]
    assert three_nodes.free("cpu", "training", {"a", "c"}) == 0
    assert three_nodes.free("cpu", "training") == 4
    with pytest.raises(ValueError, match="no free training slot"):
        three_nodes.take("late", "cpu", "training", {"a", "c"})


def test_slots_nodes_are_those_with_slots_free_or_not(three_nodes):
    three_nodes.update({"cpu": Offer(CPU | {"inference": 0}, nodes=NODES)})
    assert three_nodes.nodes("cpu", "training") == ["a", "b", "c"]
    assert three_nodes.nodes("cpu", "inference") == three_nodes.nodes("cuda:0", "training") == []


def test_slots_a_run_takes_its_part_of_its_own_node(three_nodes):
    taken = [three_nodes.take(f"{kind}{n}", "cpu", kind) for kind in ("training", "inference") for n in range(3)]
    assert [holding.fraction for holding in taken] == [0.25] * 6


def test_slots_preprocessing_takes_a_part_of_every_node_and_its_limit_is_that_of_the_cluster(three_nodes):
    assert three_nodes.take("p", "cpu", "preprocessing").fraction == 0.25
    assert three_nodes.free("cpu", "preprocessing") == 0
    three_nodes.update({"cpu": Offer({"training": 1}, nodes=NODES)})
    assert [three_nodes.take(str(n), "cpu", "training").fraction for n in range(3)] == [0.75] * 3


def test_slots_a_large_node_gets_more_runs_and_a_busy_one_fewer():
    slots = SlotTable({})
    slots.update({"cpu": Offer({"training": 9}, nodes={"head": 2.0, "large": 8.0})})
    assert [slots.take(str(n), "cpu", "training").node_id for n in range(5)].count("head") == 1
    slots.update({"cpu": Offer({"training": 9}, nodes={"a": 4.0, "b": 4.0})})
    slots.update({"cuda:0": Offer(GPU["cuda:0"], nodes={"a": 4.0})})
    slots.take("on the GPU", "cuda:0", "training")
    assert slots.take("on the CPU", "cpu", "training").node_id == "b"


def test_slots_a_node_that_is_gone_or_does_not_answer_has_no_slots(three_nodes):
    three_nodes.take("t", "cpu", "training")
    three_nodes.update({"cpu": Offer(CPU, nodes={"b": 4.0})})
    assert three_nodes.free("cpu", "training") == 2
    three_nodes.update({"cpu": Offer(CPU, nodes={})})
    assert not three_nodes.is_open("cpu") and three_nodes.free("cpu", "training") <= 0
    assert three_nodes.used("cpu", "training") == 1


def test_slots_a_lowered_limit_counts_on_each_node(three_nodes):
    for number in range(5):
        three_nodes.take(str(number), "cpu", "training")
    three_nodes.update({"cpu": Offer(CPU | {"training": 1}, nodes=NODES)})
    assert three_nodes.free("cpu", "training") == 0
    three_nodes.update({"cpu": Offer(CPU | {"training": 0}, nodes=NODES)})
    assert three_nodes.free("cpu", "training") == -1


def test_slots_nodes_without_cpus_take_runs_if_there_are_no_others():
    slots = SlotTable({})
    slots.update({"cpu": Offer({"training": 1}, nodes={"a": 0.0, "b": 0.0})})
    assert {slots.take(name, "cpu", "training").node_id for name in "xy"} == {"a", "b"}
