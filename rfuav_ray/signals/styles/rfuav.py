"""The style `rfuav`: the image that RFUAV's own tool writes.

The tool (github.com/kitoweeknd/RFUAV, graphic/RawDataProcessor.py) draws 10*log10|Z| with matplotlib's `imshow`
over the whole of a default figure at 300 dpi. Matplotlib first gives every STFT value its colour, from the lowest
finite value to the highest. Then it scales the *colours* to the canvas with a Hann kernel (image.py, `_resample`).
Scaling to the canvas and on to the image is linear, and separate for rows and columns. So each axis has one sparse
matrix that does both, and matplotlib draws nothing.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from rfuav_ray.signals.stft_blocks import StftBlocks
from rfuav_ray.signals.stft_settings import RFUAV_CANVAS, StftSettings
from rfuav_ray.signals.styles.color_keys import KeyedBlocks, colors_of_keys
from rfuav_ray.signals.styles.colors import Image

#: Columns of one sum of `coloring.add_colors`. Their weights add up to 2**13, less what rounding may add.
_SUMMED = 128
_WEIGHT_OF_SUM = 2**13 - _SUMMED // 2

#: a kernel over distances in units of its radius
_Kernel = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def draw(blocks: StftBlocks, settings: StftSettings) -> Image:
    """Draw blocks as RGB uint8 (image_size, image_size, 3), or (1440, 1920, 3) without `image_size`."""
    from rfuav_ray.signals.loops import coloring  # noqa: PLC0415  # see there

    columns, points = blocks.columns, settings.stft_points
    keyed = KeyedBlocks(blocks)
    low, high = settings.db_range or keyed.find_range_db()
    width, height = RFUAV_CANVAS if settings.image_size is None else (settings.image_size, settings.image_size)
    is_nearest = all(_is_enlarged(*axis) for axis in ((columns, RFUAV_CANVAS[0]), (points, RFUAV_CANVAS[1])))
    of_keys = colors_of_keys(settings.colormap, low, high)
    drawn = np.zeros((width, 3, points), np.float32)
    for first, keys in keyed:
        across = _across(columns, width, first, len(keys), is_nearest=is_nearest)
        coloring.add_colors(keys, of_keys, *across, drawn)
    upwards = _upwards(points, height, is_nearest=is_nearest)
    image = np.empty((height, width, 3), np.uint8)
    coloring.scale_upwards(drawn, upwards.indptr, upwards.indices, upwards.data, image)
    return image


def _is_enlarged(values: int, pixels: int) -> bool:
    """Whether matplotlib repeats the values of this axis, unless the other axis makes it smooth both."""
    return pixels > 3 * values or pixels in {values, 2 * values}


class _Across(NamedTuple):
    """The pixels that some columns reach, and their shares: see `coloring.add_colors`."""

    pixels: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    weights: npt.NDArray[np.int16]
    scales: npt.NDArray[np.float32]


@lru_cache(maxsize=1024)
def _across(columns: int, width: int, first: int, count: int, *, is_nearest: bool) -> _Across:
    """The shares of `count` columns from `first` on. Cached: to cut the matrix takes longer than to use it."""
    part = _scaling(columns, RFUAV_CANVAS[0], width, is_nearest=is_nearest)[:, first : first + count]
    of_pixels = [np.arange(*ends, _SUMMED) for ends in pairwise(part.indptr)]
    pixels = np.repeat(np.arange(width), [len(starts) for starts in of_pixels])
    starts = np.append(np.concatenate(of_pixels), part.nnz)
    shares = np.add.reduceat(part.data, starts[:-1])
    weights = np.rint(part.data * np.repeat(_WEIGHT_OF_SUM / shares, np.diff(starts))).astype(np.int16)
    # Rounding makes no sum brighter: its shares add up to what they were.
    scales = (shares / np.add.reduceat(weights, starts[:-1], dtype=np.int64)).astype(np.float32)
    return _Across(pixels, starts.astype(np.int64), part.indices, weights, scales)


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
