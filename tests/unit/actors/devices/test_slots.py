import pytest

from actors.devices.slots import SlotTable

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
    slots.add("cuda:0", GPU["cuda:0"], is_open=True)
    for name in "abc":
        slots.take(name, "cuda:0", "inference")
    assert sum(slots.fraction(name) for name in "abc") == pytest.approx(0.5)
    slots.add("cuda:0", {"training": 2, "inference": 3}, is_open=True)
    slots.take("u", "cuda:0", "training")
    assert slots.fraction("u") == 0


def test_slots_a_run_after_a_lowered_cap_takes_its_whole_share():
    slots = SlotTable(GPU)
    slots.take("t", "cuda:0", "training")
    slots.add("cuda:0", {"training": 1, "inference": 1}, is_open=True)
    slots.take("a", "cuda:0", "inference")
    assert slots.fraction("a") == 0.5


def test_slots_a_device_that_left_has_no_slots_and_its_runs_can_still_be_released():
    slots = SlotTable({"cpu": {"training": 1}, **GPU})
    slots.take("t", "cuda:0", "training")
    slots.remove("cuda:0")
    assert slots.devices == ["cpu"]
    assert slots.free("cuda:0", "inference") <= 0
    slots.release("t")
    assert slots.holdings == []


def test_slots_devices_come_in_the_order_of_their_numbers():
    slots = SlotTable({})
    for device in ("cuda:10", "cuda:2", "cpu"):
        slots.add(device, {"training": 1}, is_open=True)
    assert slots.devices == ["cpu", "cuda:2", "cuda:10"]
