"""The compiled loops and what NumPy says of the same."""

import numpy as np
import pytest
from scipy import sparse

from rfuav_ray.signals.loops import coloring
from tests.support.signals import random_floats

NUMBERS = np.random.default_rng(0)


def test_make_keys_tell_the_lowest_and_the_highest_finite_value():
    power = np.abs(random_floats(4, 50)) + np.float32(1e-3)
    power[0, :5] = 0, np.inf, np.nan, -np.nan, 1e-20
    keys = np.empty(power.shape, np.uint16)
    lowest, highest = np.array(coloring.make_keys(power, keys), np.uint32).view(np.float32)
    assert (lowest, highest) == (np.float32(1e-20), power[1:].max(initial=power[0, 5:].max()))
    np.testing.assert_array_equal(keys, (power.view(np.uint32) >> 15).astype(np.uint16))


@pytest.mark.parametrize("value", [0, np.inf, np.nan])
def test_make_keys_without_a_finite_value_have_no_highest(value):
    power = np.full((2, 8), value, np.float32)
    assert coloring.make_keys(power, np.empty(power.shape, np.uint16))[1] == 0


def test_add_colors_is_a_product_with_the_colors_of_keys():
    keys = NUMBERS.integers(0, 2**16, (40, 33), dtype=np.uint16)
    colors = NUMBERS.integers(0, 256, (2**16, 3))
    counts = np.array([1, 3, 4, 9, 40])
    pixels = np.array([0, 1, 1, 2, 4])
    columns = np.concatenate([NUMBERS.choice(40, count, replace=False) for count in counts]).astype(np.int32)
    weights = NUMBERS.integers(0, 2**13 // counts.repeat(counts) + 1).astype(np.int16)
    scales = np.abs(random_floats(5))
    before = np.abs(random_floats(5, 3, 33))
    drawn = before.copy()
    starts = np.cumsum([0, *counts])
    coloring.add_colors(keys, colors @ (1 << 21 * np.arange(3)), pixels, starts, columns, weights, scales, drawn)
    expected = before.astype(np.float64)
    for number, pixel in enumerate(pixels):
        part = slice(starts[number], starts[number + 1])
        expected[pixel] += scales[number] * np.einsum(
            "c,cpk->kp", weights[part].astype(np.int64), colors[keys[columns[part]]]
        )
    np.testing.assert_allclose(drawn, expected, rtol=1e-5)


def test_add_colors_the_brightest_sum_does_not_reach_the_next_color():
    keys, white = np.zeros((1, 4), np.uint16), np.full(2**16, 255 * (1 + 2**21 + 2**42))
    drawn = np.zeros((1, 3, 4), np.float32)
    pixels, columns = np.zeros(1, np.int64), np.zeros(1, np.int32)
    weights, scales = np.array([2**13], np.int16), np.array([2**-13], np.float32)
    coloring.add_colors(keys, white, pixels, np.array([0, 1]), columns, weights, scales, drawn)
    assert (drawn == 255).all()


def test_scale_upwards_is_a_rounded_product_for_each_column():
    drawn = (255 * NUMBERS.random((6, 3, 20))).astype(np.float32)
    matrix = sparse.random_array((9, 20), density=0.3, rng=NUMBERS, format="csr", dtype=np.float32)
    matrix = (sparse.diags_array(1 / np.maximum(matrix.sum(axis=1), 1e-9)) @ matrix).tocsr().astype(np.float32)
    image = np.empty((9, 6, 3), np.uint8)
    coloring.scale_upwards(drawn, matrix.indptr, matrix.indices, matrix.data, image)
    expected = np.einsum("hp,wkp->hwk", matrix.toarray(), drawn)
    assert np.abs(image - expected).max() <= 0.501
