"""Whether anything is on the air in one window of a recording, told from its STFT.

docs/explanation/empty-windows.md has the rules, the sources of their formulas, and measured rates.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from rfuav_ray.signals.emptiness.noise_statistics import (
    bounds_of_means,
    cells_per_independent_one,
    highest_cell,
    highest_correlation,
    highest_variance,
)
from rfuav_ray.signals.emptiness.receiver_shape import is_receivers
from rfuav_ray.signals.stft import Power, stft_window
from rfuav_ray.signals.stft_settings import StftSettings

#: why a window is empty; the empty text: it is not
Empty = Literal["", "constant", "noise"]
Floats = npt.NDArray[np.float64]

#: slices of time, and bands on each side of 0 Hz
_MOST_SLICES, _MOST_BANDS = 256, 32
#: areas of 1, 4, 16, ... slices and bands are compared
_GROWTH = 4
#: fewer cannot show a weak signal
_FEWEST_SAMPLES, _FEWEST_COLUMNS, _FEWEST_BANDS = 8192, 8, 16
#: A DC offset reaches bins with more than this part of its power.
_DC_LEAK = 1e-5
#: gain may drift by this factor (0.1 dB) within a window
_DRIFT = 1.023
#: 0.02 dB rms
_DRIFT_VARIANCE = 0.0046**2
#: neighbouring bins may differ by this factor (0.3 dB)
_BIN_RIPPLE = 1.07


class Emptiness:
    """Tells whether a window is empty, while it is drawn. When in doubt it is not.

    Columns that reach into the zeros around the samples (style `rfuav`) do not count. Neither do the bins at 0 Hz,
    where receivers have a DC offset.
    """

    def __init__(self, settings: StftSettings, sample_count: int, *, is_complex: bool) -> None:
        """
        Args:
            settings: Those of the STFT.
            sample_count: Samples of the window.
            is_complex: False: a real signal, whose spectrum is symmetric.
        """
        points, hop, zeros = settings.stft_points, settings.hop, settings.zeros_before
        window = stft_window(settings)
        self._per_independent = cells_per_independent_one(window, hop)
        self._leak: Floats = (np.abs(np.fft.fft(window)) / window.sum()) ** 2
        # One bin more on each side: local oscillators are not exactly at 0 Hz.
        guarded = 2 + int(np.flatnonzero(self._leak[: points // 4] > _DC_LEAK)[-1])
        middle = (points + 1) // 2
        self._bins = slice(guarded, points - guarded + 1 if is_complex else middle)
        self._band_bins = -(-(middle - guarded) // _MOST_BANDS)
        self._band_starts = _starts(middle - guarded, self._band_bins)
        if is_complex:  # the bands of the negative side mirror those of the positive one
            end = self._bins.stop - guarded
            mirrored = end - self._band_starts[:0:-1]
            self._band_starts = np.concatenate([self._band_starts, [middle - guarded], mirrored])
        self._sides = 2 if is_complex else 1
        # Columns that lie within the samples.
        self._first = -(-zeros // hop)
        self._columns = max(0, (sample_count + zeros - points) // hop + 1 - self._first)
        self._is_enough = sample_count >= _FEWEST_SAMPLES and self._columns >= _FEWEST_COLUMNS
        self._slice_columns = max(1, -(-self._columns // _MOST_SLICES))
        self._seen = 0
        self._sum = np.zeros(points)
        self._highest = np.zeros(points, np.float32)
        self._tiles = np.zeros((max(1, self._columns // self._slice_columns), len(self._band_starts)))

    def add(self, power: Power) -> None:
        """Take the next block of |Z|², shape (columns, stft_points) in FFT order. Each column is given once."""
        from rfuav_ray.signals.loops import transform  # noqa: PLC0415  # see there

        begin = self._seen - self._first
        self._seen += len(power)
        first, end = max(0, begin), min(begin + len(power), self._columns)
        while first < end:
            count = min(self._slice_columns - first % self._slice_columns, end - first)
            sums = np.zeros(power.shape[1], np.float32)
            transform.add_columns(power[first - begin : first - begin + count], sums, self._highest)
            index = min(first // self._slice_columns, len(self._tiles) - 1)
            self._tiles[index] += np.add.reduceat(sums[self._bins], self._band_starts)
            self._sum += sums
            first += count

    def verdict(self) -> Empty:
        """Tell what the window is, after its last block.

        Returns:
            `constant`: all samples have one value. `noise`: nothing differs from stationary Gaussian noise of a
            receiver. Empty: anything else, and windows that are too short to tell.
        """
        if self._columns == 0 or not (np.isfinite(self._sum).all() and np.isfinite(self._highest).all()):
            return ""
        if self._is_constant():
            return "constant"
        with np.errstate(divide="ignore", invalid="ignore"):
            return "noise" if self._is_enough and self._is_noise() else ""

    def _is_constant(self) -> bool:
        """The STFT of a constant is the transform of the window function, the same in each column."""
        mean = self._sum / self._columns
        expected = self._leak * mean[0]
        # What is added is the rounding of float32. Weak noise beside a strong offset is above it, and varies.
        has_shape = np.abs(mean - expected) <= 1e-2 * expected + 1e-12 * mean[0]
        is_steady = self._highest <= 1.01 * mean + 1e-15 * mean[0]
        return bool(has_shape.all() and is_steady.all())

    def _is_noise(self) -> bool:
        bands = self._tiles.sum(axis=0)
        if not (bands > 0).all():
            return False
        return self._is_band_flat(bands) and self._are_bins_noise(bands) and self._is_stationary(bands)

    def _band_sizes(self) -> Floats:
        return np.diff(self._band_starts, append=self._bins.stop - self._bins.start).astype(np.float64)

    def _by_side(self, bands: Floats) -> Floats:
        """(sides, bands) from 0 Hz outwards."""
        sides = bands.reshape(self._sides, -1).copy()
        sides[1:] = sides[1:, ::-1]
        return sides

    def _is_band_flat(self, bands: Floats) -> bool:
        cells = self._columns * self._band_bins / self._per_independent[1]
        low, high = bounds_of_means(cells, bands.size)
        levels_db = 10 * np.log10(self._by_side(bands / self._band_sizes()))
        return is_receivers(levels_db, float(10 * np.log10(high / low)) / 2**0.5)

    def _are_bins_noise(self, bands: Floats) -> bool:
        """No line is in the spectrum, and no single cell is too strong."""
        sides = self._by_side(bands / self._band_sizes() / self._columns)
        # A filter's edge is steep. The bins of a band are lower than the next band towards 0 Hz, in any case.
        around = np.pad(sides, ((0, 0), (1, 1)))
        around = np.maximum(np.maximum(around[:, :-2], around[:, 1:-1]), around[:, 2:])
        reference = np.repeat(self._by_side(around.ravel()).ravel(), self._band_sizes().astype(np.int64))
        mean, highest = self._sum[self._bins] / self._columns, self._highest[self._bins]
        _, high = bounds_of_means(self._columns / self._per_independent[0], mean.size)
        if (mean > _BIN_RIPPLE * high * reference).any():
            return False
        return bool((highest <= highest_cell(self._columns * mean.size) * np.maximum(mean, reference)).all())

    def _is_stationary(self, bands: Floats) -> bool:
        """No area of time and frequency differs from the mean of its bands over time."""
        tiles = self._tiles / bands * self._columns
        tiles /= self._slice_columns
        # The last slice has the rest of the columns, too.
        tiles[-1] *= self._slice_columns / (self._columns - (len(tiles) - 1) * self._slice_columns)
        for slices in _sizes(len(tiles) // 2):
            rows = _means(tiles, slices)
            if not self._are_bands_independent(rows, slices * self._slice_columns):
                return False
            for width in _sizes(tiles.shape[1]):
                areas = _means(rows.T, width)
                cells = slices * self._slice_columns * width * self._band_bins / self._per_independent[1]
                low, high = bounds_of_means(cells, areas.size)
                if areas.max() > high * _DRIFT or areas.min() < low / _DRIFT:
                    return False
                if np.mean((areas - 1) ** 2) > highest_variance(cells, areas.size) + _DRIFT_VARIANCE:
                    return False
        return True

    def _are_bands_independent(self, rows: Floats, columns: int) -> bool:
        """No bands become stronger and weaker together, as those of a wide signal with pauses do."""
        # With fewer columns in a row, the rows are correlated, too.
        if len(rows) < _FEWEST_COLUMNS or columns < 4 * self._per_independent[0] or rows.shape[1] < _FEWEST_BANDS:
            return True
        squares: Floats = np.square(np.atleast_2d(np.corrcoef(rows, rowvar=False)))
        # Neighbours share a bin's noise.
        pairs = squares[np.triu_indices(len(squares), 2)]
        drift = columns * self._band_bins / self._per_independent[1] * _DRIFT_VARIANCE
        return bool(pairs.mean() <= highest_correlation(len(rows), pairs.size) + drift**2)


def _starts(count: int, size: int) -> npt.NDArray[np.int64]:
    """The first of each `size` of so many. The last group has the rest, too."""
    return np.arange(0, max(1, count - size + 1), size)


def _sizes(most: int) -> list[int]:
    """1, 4, 16, ... below `most`, and `most`."""
    return [*(_GROWTH**power for power in range(16) if _GROWTH**power < most), most]


def _means(values: Floats, size: int) -> Floats:
    """Means of each `size` rows. A rest is left out."""
    groups = len(values) // size
    means: Floats = values[: groups * size].reshape(groups, size, -1).mean(axis=1)
    return means
