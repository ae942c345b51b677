"""Collections while a table of tasks comes, and afterwards."""

import gc

import pytest

from actors.gc_tuning import THRESHOLDS, gc_paused


@pytest.fixture(autouse=True)
def as_before():
    thresholds = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(700, 10, 10)
    yield
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_gc_tuning_there_are_none_while_the_table_comes_and_few_afterwards():
    with gc_paused():
        assert not gc.isenabled()
        table = [[number] for number in range(1000)]
    assert gc.isenabled()
    assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() >= len(table)


def test_gc_tuning_a_table_that_does_not_come_leaves_things_as_they_were():
    with pytest.raises(OSError, match="gone"), gc_paused():
        raise OSError("gone")
    assert gc.isenabled()
    assert gc.get_threshold() == (700, 10, 10)
