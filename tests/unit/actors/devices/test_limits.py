import pytest

from actors.devices.limits import LimitTable
from rfuav_ray.settings import Settings


@pytest.fixture
def limits():
    return LimitTable(Settings(_env_file=None))


def change(limits, changes):
    limits.apply(limits.changed(changes))


def test_limits_without_changes_the_settings_hold(limits):
    assert limits.of("cuda:3") == {"training": 1, "inference": 3}
    assert limits.of("cpu") == {"training": 2, "inference": 4, "preprocessing": 1}


def test_limits_a_change_touches_only_what_it_names(limits):
    change(limits, {"cuda:0": {"training": 0}})
    assert limits.of("cuda:0") == {"training": 0, "inference": 3}
    assert limits.of("cuda:1") == {"training": 1, "inference": 3}


def test_limits_cuda_means_every_gpu_those_too_that_were_changed_before_and_those_to_come(limits):
    change(limits, {"cuda:0": {"training": 0, "inference": 1}})
    change(limits, {"cuda": {"training": 4}, "cpu": {"training": 1}})
    assert limits.of("cuda:0") == {"training": 4, "inference": 1}
    assert limits.of("cuda:9") == {"training": 4, "inference": 3}
    assert limits.of("cpu")["training"] == 1


def test_limits_in_one_change_the_single_gpu_wins_over_all(limits):
    change(limits, {"cuda:1": {"training": 0}, "cuda": {"training": 2}})
    assert (limits.of("cuda:0")["training"], limits.of("cuda:1")["training"]) == (2, 0)


def test_limits_stored_changes_that_are_too_large_are_cut(limits):
    limits.apply({"cpu": {"training": 10**21}, "cuda": {"inference": 1001}})
    assert limits.of("cpu")["training"] == 1000
    assert limits.of("cuda:5") == {"training": 1, "inference": 1000}


def test_limits_changes_are_in_force_only_when_applied_and_go_on_in_another_life(limits):
    changes = limits.changed({"cuda": {"training": 7}})
    assert limits.of("cuda:0")["training"] == 1
    later = LimitTable(Settings(_env_file=None))
    later.apply(changes)
    assert later.of("cuda:0")["training"] == 7
