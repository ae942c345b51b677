import numpy as np
import pytest
import scipy.signal

from rfuav_ray.signals import stft
from rfuav_ray.signals.stft import StftBlocks, memory_for, power_db, reader
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.signals import noise, tone


@pytest.mark.parametrize("window", ["hamming", "hann", "blackman", "boxcar"])
@pytest.mark.parametrize(
    ("stft_points", "overlap", "count"), [(1024, 0.5, 100_000), (100, 0.75, 4321), (64, 0.0, 64)]
)
def test_stft_power_is_that_of_scipy(window, stft_points, overlap, count):
    settings = StftSettings(style="peak", stft_points=stft_points, window=window, window_overlap=overlap)
    samples = noise(count)
    _, _, spectrum = scipy.signal.stft(
        samples,
        nperseg=stft_points,
        noverlap=round(stft_points * overlap),
        window=window,
        return_onesided=False,
        boundary=None,
        padded=False,
    )
    expected = np.abs(np.fft.fftshift(spectrum, axes=0))
    found = power_db(samples, settings)
    assert found.dtype == np.float32
    np.testing.assert_allclose(10 ** (found / 10), expected, rtol=1e-3, atol=1e-6)


def test_stft_a_tone_of_full_scale_is_0_db_in_the_row_of_its_frequency():
    settings = StftSettings(style="peak")  # RFUAV's: 100 MS/s, 1024 points
    frequency_hz = 100 * 100e6 / 1024  # nearly 10 MHz, and in the middle of a row
    db = power_db(tone(frequency_hz, 100e6, 10_000), settings)
    assert db.shape == (1024, 18)
    assert (db.argmax(axis=0) == 512 + 100).all()
    np.testing.assert_allclose(db.max(axis=0), 0, atol=1e-3)


@pytest.mark.parametrize("count", [1024, 1025, 1535, 1536, 1537, 50_000])
@pytest.mark.parametrize("points", [16, 100, 1024])
def test_stft_of_the_style_rfuav_is_that_of_scipys_defaults(points, count):
    samples = noise(count)
    _, _, spectrum = scipy.signal.stft(
        samples, window=scipy.signal.windows.hamming(points), nperseg=points, return_onesided=False
    )
    found = power_db(samples, StftSettings(stft_points=points))
    assert found.shape == spectrum.shape
    np.testing.assert_allclose(10 ** (found / 10), np.abs(np.fft.fftshift(spectrum, axes=0)), rtol=1e-3, atol=1e-7)


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
    monkeypatch.setattr(stft, "_KEPT_VALUES", 1000)
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
