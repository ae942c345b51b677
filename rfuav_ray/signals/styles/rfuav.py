"""The style `rfuav`: the image that RFUAV's own tool writes.

The tool (github.com/kitoweeknd/RFUAV, graphic/RawDataProcessor.py) draws 10*log10|Z| with matplotlib's `imshow`
over the whole of a default figure at 300 dpi. Matplotlib first gives every STFT value its colour, from the lowest
finite value to the highest. Then it scales the *colours* to the canvas with a Hann kernel (image.py, `_resample`).
Scaling to the canvas and on to the image is linear, and separate for rows and columns. So each axis has one sparse
matrix that does both, and matplotlib draws nothing.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy import sparse

from rfuav_ray.signals.stft import Power
from rfuav_ray.signals.stft_blocks import StftBlocks
from rfuav_ray.signals.stft_settings import RFUAV_CANVAS, StftSettings
from rfuav_ray.signals.styles.colors import Image, colors

_WHITE = 255

#: a kernel over distances in units of its radius
_Kernel = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def draw(blocks: StftBlocks, settings: StftSettings) -> Image:
    """Draw blocks as RGB uint8 (image_size, image_size, 3), or (1440, 1920, 3) without `image_size`."""
    columns, points = blocks.columns, settings.stft_points
    low, high = settings.db_range or _range_of(power for _, power in blocks.keeping())
    width, height = RFUAV_CANVAS if settings.image_size is None else (settings.image_size, settings.image_size)
    is_nearest = all(_is_enlarged(*axis) for axis in ((columns, RFUAV_CANVAS[0]), (points, RFUAV_CANVAS[1])))
    tables = _lookup_tables(settings.colormap)
    drawn = [np.zeros((width, points * table.itemsize // 4), np.float32) for table in tables]
    for first, power in blocks:
        rows, across = _across(columns, width, first, len(power), is_nearest=is_nearest)
        levels, without_power = _levels(power, low, high), _without_power(power)
        for table, channels in zip(tables, drawn, strict=True):
            colored = np.asarray(cv2.LUT(levels, table)).view(np.float32)
            if without_power is not None:
                colored.reshape(*power.shape, -1)[without_power] = _WHITE
            channels[rows] += across @ colored
    by_frequency = np.empty((points, width, 3), np.float32)
    parts = [channels.reshape(width, points, -1).swapaxes(0, 1) for channels in drawn]
    np.concatenate(parts, axis=2, out=by_frequency)
    upwards = _upwards(points, height, is_nearest=is_nearest)
    image = (upwards @ by_frequency.reshape(points, -1)).reshape(height, width, 3)
    return np.asarray(cv2.convertScaleAbs(image), np.uint8)  # rounds to the nearest


def _range_of(powers: Iterable[Power]) -> tuple[float, float]:
    """The lowest and the highest finite 10*log10|Z|; (0, 0) if there is none."""
    low, high = np.inf, 0.0
    for power in powers:
        finite = power if _is_finite(power) else power[np.isfinite(power) & (power > 0)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (5 * np.log10(low), 5 * np.log10(high)) if high else (0.0, 0.0)


def _is_finite(power: Power) -> bool:
    """Whether all logarithms of the values are finite numbers."""
    return bool(power.min() > 0 and power.max() < np.inf)


def _without_power(power: Power) -> npt.NDArray[np.bool_] | None:
    """Where no logarithm is a finite number: that is white, as the paper. None: nowhere."""
    return None if _is_finite(power) else ~(np.isfinite(power) & (power > 0))


def _levels(power: Power, low: float, high: float) -> npt.NDArray[np.uint8]:
    """The level of each |Z|², 0 to 255, between these 10*log10|Z|.

    As in matplotlib, level i begins at i / 256 of the range. One value alone has the lowest level.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        levels = np.log(power)
        levels *= 256 * 5 / np.log(10) / (high - low) if high > low else 0
        levels -= 256 * low / (high - low) if high > low else 0
        return np.clip(levels, 0, 255, out=levels).astype(np.uint8)


@lru_cache
def _lookup_tables(colormap: str) -> list[npt.NDArray[np.floating[Any]]]:
    """The colours as float32, for cv2.LUT: red beside green in the place of one float64, and blue.

    A look-up takes about as long for 8 bytes as for 4.
    """
    table = colors(colormap).astype(np.float32)
    return [np.ascontiguousarray(table[:, :2]).view(np.float64), np.ascontiguousarray(table[:, 2:])]


def _is_enlarged(values: int, pixels: int) -> bool:
    """Whether matplotlib repeats the values of this axis, unless the other axis makes it smooth both."""
    return pixels > 3 * values or pixels in {values, 2 * values}


@lru_cache(maxsize=1024)
def _across(columns: int, width: int, first: int, count: int, *, is_nearest: bool) -> tuple[slice, Any]:
    """The pixels that `count` columns from `first` on reach, and the matrix (pixels, count) of their shares.

    Cached, because to cut the matrix takes about two thirds of the time to multiply with it.
    """
    part = _scaling(columns, RFUAV_CANVAS[0], width, is_nearest=is_nearest)[:, first : first + count]
    reached = np.flatnonzero(np.diff(part.indptr))
    rows = slice(int(reached.min(initial=width)), int(reached.max(initial=-1)) + 1)
    return rows, part[rows]


@lru_cache(maxsize=16)
def _upwards(points: int, height: int, *, is_nearest: bool) -> Any:
    """Matrix (height, points): the FFT's order becomes that of the image, the highest frequency at the top."""
    order = np.argsort(np.fft.fftshift(np.arange(points)))
    return _scaling(points, RFUAV_CANVAS[1], height, is_nearest=is_nearest).tocsc()[:, order].tocsr()[::-1]


@lru_cache(maxsize=16)
def _scaling(values: int, canvas: int, pixels: int, *, is_nearest: bool) -> Any:
    """Matrix (pixels, values) that scales an axis to the canvas, and on to the image if that has another size.

    The second step has the triangle kernel of `images.transforms.resize`.
    """
    to_canvas = _nearest(values, canvas) if is_nearest else _matrix(values, canvas, _hann)
    return to_canvas if pixels == canvas else _matrix(canvas, pixels, _triangle) @ to_canvas


def _matrix(values: int, pixels: int, kernel: _Kernel) -> Any:
    """Weights of each value for each pixel. The kernel's radius is one value, or one pixel where that is more."""
    scale = values / pixels
    radius = max(1.0, scale)
    centers = (np.arange(pixels) + 0.5) * scale - 0.5
    reached = np.floor(centers - radius).astype(int)[:, np.newaxis] + np.arange(int(np.ceil(2 * radius)) + 2)
    weights = kernel((reached - centers[:, np.newaxis]) / radius) * ((reached >= 0) & (reached < values))
    weights /= weights.sum(axis=1, keepdims=True)
    rows, places = np.nonzero(weights)
    return sparse.csr_matrix(
        (weights[rows, places].astype(np.float32), (rows, reached[rows, places])), shape=(pixels, values)
    )


def _nearest(values: int, pixels: int) -> Any:
    # The value under the middle of each pixel. On the edge between two values it is the left one.
    nearest = ((2 * np.arange(pixels) + 1) * values - 1) // (2 * pixels)
    return sparse.csr_matrix((np.ones(pixels, np.float32), (np.arange(pixels), nearest)), shape=(pixels, values))


def _hann(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    weight: npt.NDArray[np.float64] = np.where(np.abs(distance) < 1, 0.5 + 0.5 * np.cos(np.pi * distance), 0)
    return weight


def _triangle(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    weight: npt.NDArray[np.float64] = np.clip(1 - np.abs(distance), 0, None)
    return weight
