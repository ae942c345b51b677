"""The window function, |Z|², and sums of it over time."""

import numpy as np
import numpy.typing as npt

from rfuav_ray.signals.loops.compiling import compiled


@compiled
def multiply_windows(
    samples: npt.NDArray[np.float32], window: npt.NDArray[np.float32], hop: int, windowed: npt.NDArray[np.float32]
) -> None:
    """Multiply samples by a window function at each hop. I and Q are separate values.

    Args:
        samples: float32 (n,).
        window: float32 (points,).
        hop: Values from one column to the next.
        windowed: float32 (columns, points), is written to.
    """
    points = window.size
    for column in range(len(windowed)):
        values, product = samples[column * hop : column * hop + points], windowed[column]
        for point in range(points):
            product[point] = values[point] * window[point]


@compiled
def square_magnitudes(
    spectrum: npt.NDArray[np.float32], scale: np.float32, power: npt.NDArray[np.float32]
) -> None:
    """Write |Z|² * scale to `power`, float32 (columns, points). The parts of Z are side by side in `spectrum`."""
    for column in range(len(power)):
        parts, squares = spectrum[column], power[column]
        for point in range(squares.size):
            real, imaginary = parts[2 * point], parts[2 * point + 1]
            squares[point] = (real * real + imaginary * imaginary) * scale


@compiled
def add_columns(
    power: npt.NDArray[np.float32], sums: npt.NDArray[np.float32], highest: npt.NDArray[np.float32]
) -> None:
    """Add the columns of `power`, float32 (columns, points), to `sums`, and raise `highest` where it is lower."""
    for column in range(len(power)):
        values = power[column]
        for point in range(values.size):
            sums[point] += values[point]
            highest[point] = max(highest[point], values[point])
