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
