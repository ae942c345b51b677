import numpy as np
import pytest

from rfuav_ray.signals.resampling.low_pass import filter_taps, low_pass
from tests.support.signals import noise

RATIOS = [(1, 5), (125, 384), (3, 25), (64, 3125), (4, 5), (9999, 10_000), (2, 199)]


@pytest.mark.parametrize(("up", "down"), RATIOS)
def test_low_pass_passes_0_9_of_the_new_band_and_stops_the_rest(up, down):
    taps = filter_taps(up / down)
    points = 16 * len(taps)
    db = 20 * np.log10(np.abs(np.fft.rfft(taps, points)) + 1e-12)
    part = np.fft.rfftfreq(points) * 2 * down / up  # of the new Nyquist frequency
    assert np.abs(db[part <= 0.9]).max() < 0.05
    assert db[part >= 1].max() < -75
    np.testing.assert_allclose(taps, taps[::-1])
    assert len(taps) % 2 == 1


@pytest.mark.parametrize(("up", "down"), RATIOS)
def test_low_pass_keeps_the_samples_that_the_filter_has_not_spoilt(up, down):
    design = low_pass(up, down)
    assert design.margin_in >= len(filter_taps(up / down)) // 2
    assert design.margin_in * up == design.margin_out * down
    assert design.kept_in * up == design.kept_out * down
    assert design.kept_out + 2 * design.margin_out == design.fft_out == len(design.response)
    assert len(design.decimated(noise(design.samples_in(2)))) == 2 * design.kept_out
