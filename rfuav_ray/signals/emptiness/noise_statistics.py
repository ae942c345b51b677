"""What the power of Gaussian noise in STFT cells can be. A cell is |Z|² of one column and one frequency bin."""

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

#: the probability that noise is beyond the bounds of one comparison of all its means, on one side
FALSE_ALARM = 2e-5


def highest_cell(cells: int) -> float:
    """The bound of the strongest of so many cells, relative to their mean.

    The power of Gaussian noise is distributed exponentially: P(cell > x) = exp(-x). Correlated cells stay lower.
    """
    return math.log(cells / FALSE_ALARM)


def cells_per_independent_one(window: npt.NDArray[np.float64], hop: int) -> tuple[float, float]:
    """By what cells must be divided to know how many independent ones give a mean with the same variance.

    Overlapping columns, and neighbouring bins of a window function, are correlated. The first value is that of one
    bin over time (Welch 1967), the second one that of an area of many columns and bins. The second one is the sum
    of the squared correlations with all other cells, by Parseval's theorem:
    N * sum over k, i of (w[i] w[i + k hop])² / (sum over i of w[i]²)².
    """
    points, energy = len(window), float(np.sum(window**2))
    over_time, over_area = 1.0, points * float(np.sum(window**4)) / energy**2
    for lag in range(hop, points, hop):
        products = window[lag:] * window[:-lag]
        over_time += 2 * (float(np.sum(products)) / energy) ** 2
        over_area += 2 * points * float(np.sum(products**2)) / energy**2
    return over_time, over_area


def bounds_of_means(independent_cells: float, means: int) -> tuple[float, float]:
    """The lowest and highest of so many means, each of so many independent cells, relative to their expectation.

    A sum of exponential cells has a gamma distribution. Its cube root is nearly normal (Wilson and Hilferty 1931).
    """
    deviation = -NormalDist().inv_cdf(FALSE_ALARM / means)
    ninth = 1 / (9 * independent_cells)
    low, high = (1 - ninth + sign * deviation * math.sqrt(ninth) for sign in (-1, 1))
    return max(0.0, low) ** 3, high**3


def highest_variance(independent_cells: float, means: int) -> float:
    """The bound of the variance of so many means, each of so many independent cells, relative to their square."""
    # Of a gamma distribution: the excess kurtosis is 6 / shape.
    deviation = -NormalDist().inv_cdf(FALSE_ALARM) * math.sqrt((2 + 6 / independent_cells) / means)
    return (1 + deviation) / independent_cells


def highest_correlation(rows: int, pairs: int) -> float:
    """The bound of the mean of so many squared correlations, each between two independent series of `rows` values.

    The squared correlation of two normal series has a beta distribution, Beta(1/2, (rows - 2) / 2).
    """
    variance = 2 * (rows - 2) / ((rows - 1) ** 2 * (rows + 1))
    return 1 / (rows - 1) - NormalDist().inv_cdf(FALSE_ALARM) * math.sqrt(variance / pairs)
