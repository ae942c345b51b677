import pytest

from actors.devices.caps import CapTable
from rfuav_ray.settings import Settings


@pytest.fixture
def caps():
    return CapTable(Settings(_env_file=None))


def change(caps, changes):
    caps.apply(caps.changed(changes))


def test_without_changes_the_settings_hold(caps):
    assert caps.of("cuda:3") == {"training": 1, "inference": 3}
    assert caps.of("cpu") == {"training": 2, "inference": 4, "preprocessing": 1}


def test_a_change_touches_only_what_it_names(caps):
    change(caps, {"cuda:0": {"training": 0}})
    assert caps.of("cuda:0") == {"training": 0, "inference": 3}
    assert caps.of("cuda:1") == {"training": 1, "inference": 3}


def test_cuda_means_every_gpu_those_too_that_were_changed_before_and_those_to_come(caps):
    change(caps, {"cuda:0": {"training": 0, "inference": 1}})
    change(caps, {"cuda": {"training": 4}, "cpu": {"training": 1}})
    assert caps.of("cuda:0") == {"training": 4, "inference": 1}
    assert caps.of("cuda:9") == {"training": 4, "inference": 3}
    assert caps.of("cpu")["training"] == 1


def test_in_one_change_the_single_gpu_wins_over_all(caps):
    change(caps, {"cuda:1": {"training": 0}, "cuda": {"training": 2}})
    assert (caps.of("cuda:0")["training"], caps.of("cuda:1")["training"]) == (2, 0)


def test_stored_changes_that_are_too_large_are_cut(caps):
    caps.apply({"cpu": {"training": 10**21}, "cuda": {"inference": 1001}})
    assert caps.of("cpu")["training"] == 1000
    assert caps.of("cuda:5") == {"training": 1, "inference": 1000}


def test_changes_are_in_force_only_when_applied_and_go_on_in_another_life(caps):
    changes = caps.changed({"cuda": {"training": 7}})
    assert caps.of("cuda:0")["training"] == 1
    later = CapTable(Settings(_env_file=None))
    later.apply(changes)
    assert later.of("cuda:0")["training"] == 7
