import numpy as np
import pytest

from rfuav_ray.signals.emptiness.window import Emptiness
from rfuav_ray.signals.simulation.emitters import EMITTERS
from rfuav_ray.signals.simulation.scene import simulate
from rfuav_ray.signals.stft import power_blocks, reader
from rfuav_ray.signals.stft_settings import StftSettings
from tests.support.signals import noise, tone

COUNT = 100_000
AT_5_MHZ = {"sample_rate_hz": 5e6, "duration_s": 0.02, "stft_points": 256}


def verdict(samples, *, is_complex=True, **changes):
    settings = StftSettings.model_validate(AT_5_MHZ | changes)
    emptiness = Emptiness(settings, len(samples), is_complex=is_complex)
    for _, power in power_blocks(reader(samples.astype(np.complex64)), len(samples), settings):
        emptiness.add(power)
    return emptiness.verdict()


def filtered(samples, gain_of):
    """`gain_of` takes frequencies of -1 to 1."""
    return np.fft.ifft(np.fft.fft(samples) * gain_of(2 * np.fft.fftfreq(len(samples))))


@pytest.mark.parametrize("style", ["rfuav", "peak"])
@pytest.mark.parametrize("points", [16, 100, 101, 1024, 4096])
@pytest.mark.parametrize(("window", "overlap"), [("hamming", 0.5), ("boxcar", 0.0), ("blackman", 0.8)])
def test_noise_and_constants_are_empty_whatever_the_stft(style, points, window, overlap):
    settings = {"style": style, "stft_points": points, "window": window, "window_overlap": overlap}
    assert verdict(noise(COUNT), **settings) == "noise"
    assert verdict(noise(COUNT).real, is_complex=False, **settings) == "noise"
    assert verdict(np.zeros(COUNT), **settings) == "constant"
    assert verdict(np.full(COUNT, 0.3 - 0.1j), **settings) == "constant"


def test_noise_of_many_seeds_is_empty():
    assert [verdict(noise(20_000, seed)) for seed in range(40)].count("noise") >= 39


@pytest.mark.parametrize("level", [1.0, 2.0])
def test_noise_of_a_few_quantisation_steps_is_noise(level):
    stored = np.round(noise(COUNT).view(np.float32) * level).astype(np.int8)
    assert verdict(stored.astype(np.float32).view(np.complex64) / 128) == "noise"


@pytest.mark.parametrize("offset", [0.5, 5 + 5j])
def test_a_dc_offset_is_no_signal(offset):
    assert verdict(noise(COUNT) + offset) == "noise"


@pytest.mark.parametrize(
    "gain_of",
    [
        lambda frequency: 10 ** (0.25 * np.sin(9 * frequency) / 20),
        lambda frequency: 10 ** (-20 * np.clip((np.abs(frequency) - 0.75) / 0.25, 0, 1) / 20),
    ],
    ids=["ripple", "roll-off"],
)
def test_the_filter_of_a_receiver_is_no_signal(gain_of):
    assert verdict(filtered(noise(400_000), gain_of), duration_s=0.08) == "noise"


@pytest.mark.parametrize("width", [0.3, 0.5, 0.6, 0.8, 0.9])
@pytest.mark.parametrize("centre", [0.0, 0.05])
def test_a_signal_without_pauses_is_seen_at_its_edges(width, centre):
    signal = filtered(noise(400_000, 1), lambda frequency: np.abs(frequency - centre) < width)
    assert verdict(noise(400_000) + signal, duration_s=0.08) == ""


@pytest.mark.parametrize("level", [0.1, 0.2])
def test_a_weak_line_is_a_signal(level):
    assert verdict(noise(COUNT) + level * tone(0.7e6, 5e6, COUNT)) == ""


def test_a_short_burst_is_a_signal():
    samples = noise(COUNT)
    samples[70_000:70_200] *= 2
    assert verdict(samples) == ""


def test_a_signal_that_begins_within_the_window_is_a_signal():
    samples = noise(COUNT)
    samples[COUNT // 2 :] *= 1.05
    assert verdict(samples) == ""


def test_one_value_that_differs_is_not_constant():
    samples = np.zeros(COUNT)
    samples[50_000] = 1 / 128
    assert verdict(samples) == ""


@pytest.mark.parametrize("count", [256, 1000, 8000])
def test_a_window_that_is_too_short_to_tell_is_not_empty(count):
    assert verdict(noise(count)) == ""


def test_values_that_are_not_finite_are_not_empty():
    samples = noise(COUNT)
    samples[0] = 1e30
    samples[70_000] = np.nan
    assert verdict(samples) == ""


@pytest.mark.parametrize("emitter", sorted(EMITTERS))
def test_an_emitter_10_db_below_the_noise_is_seen(emitter):
    rate_hz, duration_s = 20e6, 0.02
    scene = simulate(
        emitter, duration_s=duration_s, sample_rate_hz=rate_hz, snr_db=-10, seed=1, interference=False
    )
    assert verdict(scene, sample_rate_hz=rate_hz, duration_s=duration_s, stft_points=1024) == ""
