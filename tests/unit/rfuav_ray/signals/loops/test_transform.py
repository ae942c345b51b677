"""The compiled loops and what NumPy says of the same."""

import numpy as np
import pytest

from rfuav_ray.signals.loops import transform
from tests.support.signals import random_floats


@pytest.mark.parametrize(("points", "hop"), [(16, 8), (30, 7), (64, 64)])
def test_multiply_windows_overlap_by_the_hop(points, hop):
    samples, window = random_floats(10 * hop + points), random_floats(points)
    windowed = np.empty((10, points), np.float32)
    transform.multiply_windows(samples, window, hop, windowed)
    expected = np.lib.stride_tricks.sliding_window_view(samples, points)[: 10 * hop : hop] * window
    np.testing.assert_array_equal(windowed, expected)


def test_square_magnitudes_are_numpys_to_the_last_bit():
    spectrum = random_floats(5, 2 * 33)
    spectrum[1, :4] = 1e38, 1, np.nan, 0
    power = np.empty((5, 33), np.float32)
    transform.square_magnitudes(spectrum, np.float32(0.3), power)
    with np.errstate(over="ignore"):
        parts = np.square(spectrum)
        np.testing.assert_array_equal(power, (parts[:, ::2] + parts[:, 1::2]) * np.float32(0.3))
    assert power[1, 0] == np.inf
    assert np.isnan(power[1, 1])


def test_add_columns_add_to_what_is_there():
    power, sums, highest = np.abs(random_floats(7, 33)), np.full(33, 5, np.float32), np.full(33, 0.5, np.float32)
    transform.add_columns(power, sums, highest)
    np.testing.assert_allclose(sums, 5 + power.sum(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(highest, np.maximum(0.5, power.max(axis=0)))
