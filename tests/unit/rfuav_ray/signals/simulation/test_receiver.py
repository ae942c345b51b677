import numpy as np
import pytest

from rfuav_ray.signals.simulation.nuisances import Echo, Nuisances
from rfuav_ray.signals.simulation.receiver import coloured, received, with_echoes

RATE_HZ = 20e6
COUNT = 2**16


def noise(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((COUNT, 2), np.float32).view(np.complex64)[:, 0] * np.float32(0.5**0.5)


def tone(place):
    """`place` is its frequency as a fraction of the sample rate."""
    return np.exp(2j * np.pi * place * np.arange(COUNT)).astype(np.complex64)


def power_db(samples):
    return 10 * np.log10(np.mean(np.abs(samples) ** 2))


def at_db(samples, place):
    """The power at one frequency."""
    return 20 * np.log10(np.abs(np.vdot(tone(place), samples)) / COUNT)


def band_db(samples, low, high):
    spectrum = np.abs(np.fft.fft(samples)) ** 2
    place = np.fft.fftfreq(COUNT)
    return 10 * np.log10(spectrum[(place >= low) & (place < high)].mean())


def test_receiver_an_ideal_one_changes_nothing():
    samples = noise()
    ideal = Nuisances()
    assert received(samples, ideal) is samples
    assert coloured(samples, ideal) is samples
    np.testing.assert_array_equal(with_echoes(samples, ideal, RATE_HZ), samples)


def test_receiver_an_echo_comes_late():
    pulse = np.zeros(100, np.complex64)
    pulse[10] = 1
    heard = with_echoes(pulse, Nuisances(echoes=(Echo(0.25e-6, 0.5j), Echo(1.0, 1))), RATE_HZ)
    assert np.flatnonzero(heard).tolist() == [10, 15]
    assert heard[15] == 0.5j


def test_receiver_coloured_noise_has_its_slope_and_its_power():
    samples = coloured(noise(), Nuisances(noise_slope_db=4))
    assert power_db(samples) == pytest.approx(0, abs=0.1)
    assert band_db(samples, 0.4, 0.5) - band_db(samples, -0.5, -0.4) == pytest.approx(3.6, abs=0.2)


def test_receiver_its_filter_passes_its_passband():
    samples = received(noise(), Nuisances(passband=0.8))
    assert band_db(samples, -0.39, 0.39) == pytest.approx(band_db(noise(), -0.39, 0.39), abs=0.01)
    assert band_db(samples, 0.42, 0.5) == pytest.approx(band_db(noise(), 0.42, 0.5) - 50, abs=0.1)


def test_receiver_its_ripple_goes_from_top_to_bottom():
    samples = tone(0) + tone(0.25)
    heard = received(samples, Nuisances(ripple_db=2, ripple_periods=2))
    assert at_db(heard, 0) == pytest.approx(1, abs=0.01)
    assert at_db(heard, 0.25) == pytest.approx(-1, abs=0.01)


def test_receiver_an_imbalance_makes_an_image():
    heard = received(tone(0.125), Nuisances(iq_gain_db=1, iq_phase_deg=5))
    assert at_db(heard, -0.125) - at_db(heard, 0.125) == pytest.approx(-23, abs=0.5)
    assert at_db(received(tone(0.125), Nuisances(iq_gain_db=1)), -0.125) == pytest.approx(-24.3, abs=0.3)


def test_receiver_its_own_carrier_is_at_zero():
    heard = received(noise(), Nuisances(dc_offset=0.3 + 0.4j))
    assert heard.mean() == pytest.approx(0.3 + 0.4j, abs=0.02)
    assert heard.dtype == np.complex64
