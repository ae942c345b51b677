"""The keys of |Z|², and the sums of their colours over time and frequency."""

import numpy as np
import numpy.typing as npt

from rfuav_ray.signals.loops.compiling import compiled
from rfuav_ray.signals.loops.key_format import FIRST_INFINITE, KEY_SHIFT, SUM_BITS

_INFINITE, _KEY_SHIFT = np.uint32(FIRST_INFINITE), np.uint32(KEY_SHIFT)
_SUM_BITS, _SUM_MASK = SUM_BITS, 2**SUM_BITS - 1


@compiled
def make_keys(power: npt.NDArray[np.float32], keys: npt.NDArray[np.uint16]) -> tuple[np.int64, np.int64]:
    """Write the keys of |Z|², and tell the range.

    A key is the exponent and the upper 8 bits of the mantissa of a float32: steps of 0.4 % or less.

    Args:
        power: float32 (columns, points), not negative.
        keys: uint16 of the same shape, is written to.

    Returns:
        The bits of the lowest and the highest finite value above 0. Without one the second is 0.
    """
    # Bits of floats that are not negative have the order of the floats. 0 - 1 is the highest integer.
    below_lowest, highest = np.uint32(0xFFFFFFFF), np.uint32(0)
    bits = power.view(np.uint32)
    for column in range(len(keys)):
        values, row = bits[column], keys[column]
        for point in range(row.size):
            value = values[point]
            row[point] = np.uint16(value >> _KEY_SHIFT)
            below_lowest = min(below_lowest, np.uint32(value - np.uint32(1)))
            highest = max(highest, value if value < _INFINITE else np.uint32(0))
    return np.int64(below_lowest) + 1, np.int64(highest)


@compiled
def add_colors(
    keys: npt.NDArray[np.uint16],
    colors: npt.NDArray[np.int64],
    pixels: npt.NDArray[np.int64],
    starts: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int32],
    weights: npt.NDArray[np.int16],
    scales: npt.NDArray[np.float32],
    drawn: npt.NDArray[np.float32],
) -> None:
    """Add sums of columns' weighted colours to the pixels that they reach.

    Args:
        keys: uint16 (all columns, points).
        colors: Of each key: red, green and blue, 21 bits each, of which 8 are used.
        pixels: The pixel that each sum is added to.
        starts: Where each sum's columns begin, and where the last one's end.
        columns, weights: The columns, and their weights as integers. Those of a sum add up to 2**13 or less: else
            21 bits overflow.
        scales: What one of a sum's integers is worth.
        drawn: float32 (all pixels, 3, points), is added to.
    """
    points = keys.shape[1]
    sums = np.empty(points, np.int64)
    for number in range(len(pixels)):
        sums[:] = 0
        place, end = starts[number], starts[number + 1]
        while place + 4 <= end:  # Four at once: the sums are loaded and stored less often.
            a, b, c, d = weights[place], weights[place + 1], weights[place + 2], weights[place + 3]
            of_a, of_b = keys[columns[place]], keys[columns[place + 1]]
            of_c, of_d = keys[columns[place + 2]], keys[columns[place + 3]]
            for point in range(points):
                sums[point] += a * colors[of_a[point]] + b * colors[of_b[point]]
                sums[point] += c * colors[of_c[point]] + d * colors[of_d[point]]
            place += 4
        while place < end:
            weight, of_one = weights[place], keys[columns[place]]
            for point in range(points):
                sums[point] += weight * colors[of_one[point]]
            place += 1
        pixel, scale = pixels[number], scales[number]
        red, green, blue = drawn[pixel, 0], drawn[pixel, 1], drawn[pixel, 2]
        for point in range(points):
            red[point] += scale * np.float32(sums[point] & _SUM_MASK)
            green[point] += scale * np.float32((sums[point] >> _SUM_BITS) & _SUM_MASK)
            blue[point] += scale * np.float32(sums[point] >> (2 * _SUM_BITS))


@compiled
def scale_upwards(
    drawn: npt.NDArray[np.float32],
    starts: npt.NDArray[np.int32],
    places: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float32],
    image: npt.NDArray[np.uint8],
) -> None:
    """Scale the frequencies of each column of an image to pixels, by a sparse matrix in SciPy's CSR form.

    Args:
        drawn: float32 (width, 3, points), 0 to 255.
        starts, places, weights: `indptr`, `indices` and `data` of the matrix (height, points).
        image: uint8 (height, width, 3), is written to. Values are rounded to the nearest.
    """
    height, width, _ = image.shape
    for column in range(width):
        red, green, blue = drawn[column, 0], drawn[column, 1], drawn[column, 2]
        for row in range(height):
            sum_red, sum_green, sum_blue = np.float32(0.5), np.float32(0.5), np.float32(0.5)
            for entry in range(starts[row], starts[row + 1]):
                place, weight = places[entry], weights[entry]
                sum_red += weight * red[place]
                sum_green += weight * green[place]
                sum_blue += weight * blue[place]
            image[row, column, 0] = np.uint8(sum_red)
            image[row, column, 1] = np.uint8(sum_green)
            image[row, column, 2] = np.uint8(sum_blue)
