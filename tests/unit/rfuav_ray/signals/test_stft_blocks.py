import numpy as np
import pytest

from rfuav_ray.signals import stft_blocks
from rfuav_ray.signals.stft import reader
from rfuav_ray.signals.stft_blocks import StftBlocks, memory_for
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.signals import noise

MANY = 600_000  # samples: several blocks
RFUAV = StftSettings(style="rfuav")


def all_power(blocks):
    return np.concatenate([power for _, power in blocks])


@pytest.mark.parametrize("settings", [RFUAV, StftSettings(style="peak")])
def test_stft_blocks_are_side_by_side_and_the_same_in_each_pass(settings):
    blocks = StftBlocks(reader(noise(MANY)), MANY, settings)
    first, second = list(blocks), list(blocks)
    assert len(first) > 2
    assert [start for start, _ in first] == np.cumsum([0, *(len(power) for _, power in first[:-1])]).tolist()
    assert sum(len(power) for _, power in first) == blocks.columns == settings.columns(MANY)
    np.testing.assert_array_equal(all_power(second), all_power(first))


def test_stft_blocks_are_watched_once_each_even_after_a_pass_that_was_left():
    watched = []
    blocks = StftBlocks(reader(noise(MANY)), MANY, RFUAV, watched.append)
    next(iter(blocks))
    assert len(watched) == 1
    for _ in range(2):
        power = all_power(blocks)
    np.testing.assert_array_equal(np.concatenate(watched), power)


def test_stft_blocks_that_a_caller_holds_are_not_overwritten():
    blocks = StftBlocks(reader(noise(MANY)), MANY, RFUAV)
    held, copies = zip(*((power, power.copy()) for _, power in blocks), strict=True)
    list(blocks)
    np.testing.assert_array_equal(np.concatenate(held), np.concatenate(copies))


def test_memory_for_has_a_key_for_each_value_but_none_for_too_many(monkeypatch):
    columns = RFUAV.columns(MANY)
    assert memory_for(MANY, RFUAV).shape == StftBlocks(reader(noise(MANY)), MANY, RFUAV).memory.shape
    assert memory_for(MANY, RFUAV).shape == (columns, RFUAV.stft_points)
    monkeypatch.setattr(stft_blocks, "_KEPT_VALUES", columns * RFUAV.stft_points - 1)
    assert len(memory_for(MANY, RFUAV)) == 0
