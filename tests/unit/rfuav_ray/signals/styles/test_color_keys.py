import matplotlib
import numpy as np
import pytest
from matplotlib.colors import Normalize

from rfuav_ray.signals import stft_blocks
from rfuav_ray.signals.stft import reader
from rfuav_ray.signals.stft_blocks import StftBlocks, memory_for
from rfuav_ray.signals.stft_settings import StftSettings
from rfuav_ray.signals.styles.color_keys import KeyedBlocks, colors_of_keys
from tests.support.signals import noise

MANY = 600_000  # samples: several blocks
SETTINGS = StftSettings(style="rfuav")
WHITE = [255, 255, 255]


def counted(samples):
    reads = []

    def read(start, count):
        reads.append(start)
        return samples[start : start + count]

    return read, reads


def all_keys(keyed):
    return np.concatenate([keys for _, keys in keyed])


def keys_of(power):
    return np.asarray(power, np.float32).view(np.uint32) >> 15


def unpacked(color):
    return [int(color) >> bits & 255 for bits in (0, 21, 42)]


def test_keyed_blocks_that_were_kept_are_not_computed_again():
    read, reads = counted(noise(MANY))
    blocks = StftBlocks(read, MANY, SETTINGS)
    keyed = KeyedBlocks(blocks)
    keyed.find_range_db()
    count = len(reads)
    kept = all_keys(keyed)
    assert len(reads) == count
    np.testing.assert_array_equal(kept, np.concatenate([keys_of(power) for _, power in blocks]))


def test_keyed_blocks_that_are_too_many_are_computed_again(monkeypatch):
    samples = noise(MANY)
    expected = all_keys(KeyedBlocks(StftBlocks(reader(samples), MANY, SETTINGS)))
    monkeypatch.setattr(stft_blocks, "_KEPT_VALUES", 1000)
    read, reads = counted(samples)
    keyed = KeyedBlocks(StftBlocks(read, MANY, SETTINGS))
    keyed.find_range_db()
    np.testing.assert_array_equal(all_keys(keyed), expected)
    assert reads == 2 * reads[: len(reads) // 2]


def test_keyed_blocks_of_windows_that_share_memory_are_their_own():
    memory = memory_for(MANY, SETTINGS)
    for samples in (noise(MANY), 2 * noise(MANY)):
        keyed = KeyedBlocks(StftBlocks(reader(samples), MANY, SETTINGS, memory=memory))
        keyed.find_range_db()
        alone = KeyedBlocks(StftBlocks(reader(samples), MANY, SETTINGS))
        np.testing.assert_array_equal(all_keys(keyed), all_keys(alone))


def test_find_range_db_is_that_of_finite_powers_above_0():
    samples = noise(MANY)
    samples[200_000:210_000] = 0
    samples[300_000:310_000] = np.float32(1e38)
    blocks = StftBlocks(reader(samples), MANY, SETTINGS)
    powers = np.concatenate([power for _, power in blocks])
    finite = powers[np.isfinite(powers) & (powers > 0)]
    assert finite.size < powers.size
    expected = 5 * np.log10(finite.min()), 5 * np.log10(finite.max())
    assert KeyedBlocks(blocks).find_range_db() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("level", [0, 1e38])
def test_find_range_db_without_a_finite_power_is_0_to_0(level):
    samples = np.full(MANY, level, np.complex64)
    assert KeyedBlocks(StftBlocks(reader(samples), MANY, SETTINGS)).find_range_db() == (0, 0)


@pytest.mark.parametrize("colormap", ["jet", "gray"])
@pytest.mark.parametrize(("low_db", "high_db"), [(-60, 0), (-190, 190), (-10, 0)])
def test_colors_of_keys_are_matplotlibs_to_one_level(colormap, low_db, high_db):
    levels_db = np.linspace(low_db, high_db, 5000)
    power = (10 ** (levels_db / 5)).astype(np.float32)
    table = colors_of_keys(colormap, low_db, high_db)
    ours = np.array([unpacked(table[key]) for key in keys_of(power)])
    colors = matplotlib.colormaps[colormap]
    levels = (Normalize(low_db, high_db)(levels_db) * 256).clip(0, 255).astype(int)
    around = [colors(np.clip(levels + step, 0, 255), bytes=True)[:, :3] for step in (-1, 0, 1)]
    assert np.min([np.abs(ours - theirs).max(axis=1) for theirs in around], axis=0).max() == 0
    # The steps of keys are 0.02 dB.
    assert (ours != around[1]).any(axis=1).mean() < 0.02 * 256 / (high_db - low_db)


def test_colors_of_keys_without_a_finite_logarithm_are_white():
    table = colors_of_keys("jet", -60, 0)
    for power in (0, np.inf, np.nan, -np.nan):
        assert unpacked(table[int(keys_of(power)) & 0xFFFF]) == WHITE
    assert unpacked(table[int(keys_of(np.finfo(np.float32).tiny))]) != WHITE
    assert unpacked(table[int(keys_of(np.finfo(np.float32).max))]) != WHITE


def test_colors_of_keys_of_one_level_alone_are_the_lowest():
    table = colors_of_keys("gray", -40, -40)
    assert unpacked(table[int(keys_of(1e-8))]) == [0, 0, 0]
