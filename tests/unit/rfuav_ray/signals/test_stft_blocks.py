import numpy as np
import pytest

from rfuav_ray.signals import stft_blocks
from rfuav_ray.signals.stft import reader
from rfuav_ray.signals.stft_blocks import StftBlocks, memory_for
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.signals import noise

MANY = 600_000  # samples: several blocks
RFUAV = StftSettings(style="rfuav")


def counting_reads(samples):
    reads = []

    def read(start, count):
        reads.append(start)
        return samples[start : start + count]

    return read, reads


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


def test_stft_blocks_that_were_kept_are_not_computed_again():
    read, reads = counting_reads(noise(MANY))
    blocks = StftBlocks(read, MANY, RFUAV)
    kept = all_power(blocks.keeping())
    count = len(reads)
    np.testing.assert_array_equal(all_power(blocks), kept)
    np.testing.assert_array_equal(all_power(blocks.keeping()), kept)
    assert len(reads) == count


def test_stft_blocks_that_are_too_many_are_computed_again(monkeypatch):
    samples = noise(MANY)
    expected = all_power(StftBlocks(reader(samples), MANY, RFUAV))
    monkeypatch.setattr(stft_blocks, "_KEPT_VALUES", 1000)
    read, reads = counting_reads(samples)
    blocks = StftBlocks(read, MANY, RFUAV)
    for _ in range(2):
        np.testing.assert_array_equal(all_power(blocks.keeping()), expected)
    assert reads == 2 * reads[: len(reads) // 2]


@pytest.mark.parametrize("passes", ["__iter__", "keeping"])
def test_stft_blocks_are_watched_once_each_even_after_a_pass_that_was_left(passes):
    watched = []
    blocks = StftBlocks(reader(noise(MANY)), MANY, RFUAV, watched.append)
    next(getattr(blocks, passes)())
    assert len(watched) == 1
    for _ in range(2):
        power = all_power(getattr(blocks, passes)())
    np.testing.assert_array_equal(np.concatenate(watched), power)


def test_stft_blocks_that_a_caller_holds_are_not_overwritten():
    blocks = StftBlocks(reader(noise(MANY)), MANY, RFUAV)
    for passes in (blocks, blocks.keeping(), blocks):
        held, copies = zip(*((power, power.copy()) for _, power in passes), strict=True)
        list(blocks)
        np.testing.assert_array_equal(np.concatenate(held), np.concatenate(copies))


def test_stft_blocks_of_windows_that_share_memory_are_their_own():
    memory = memory_for(MANY, RFUAV)
    for samples in (noise(MANY), 2 * noise(MANY)):
        blocks = StftBlocks(reader(samples), MANY, RFUAV, memory=memory)
        list(blocks.keeping())
        np.testing.assert_array_equal(all_power(blocks), all_power(StftBlocks(reader(samples), MANY, RFUAV)))
