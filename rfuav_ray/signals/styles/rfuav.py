"""The style `rfuav`: the image that RFUAV's own tool writes.

The tool (github.com/kitoweeknd/RFUAV, graphic/RawDataProcessor.py) draws 10*log10|Z| with matplotlib's `imshow`
over the whole of a default figure at 300 dpi. Matplotlib first gives every STFT value its colour, from the lowest
finite value to the highest. Then it scales the *colours* to the canvas with a Hann kernel (image.py, `_resample`).
Scaling to the canvas and on to the image is linear, and separate for rows and columns. So each axis has one sparse
matrix that does both, and matplotlib draws nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy import sparse

from rfuav_ray.signals.stft import Power, Read, power_blocks
from rfuav_ray.signals.stft_settings import RFUAV_CANVAS, StftSettings
from rfuav_ray.signals.styles.colors import Image, colors

#: STFT values that are kept (128 MB) from the search for their range to their drawing; more are computed twice
_KEPT_VALUES = 2**25
_WHITE = 255

Block = tuple[int, Power]
#: a kernel over distances in units of its radius
_Kernel = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def draw(read: Read, sample_count: int, settings: StftSettings) -> Image:
    """Draw samples as RGB uint8 (image_size, image_size, 3), or (1440, 1920, 3) without `image_size`."""
    columns, points = settings.columns(sample_count), settings.stft_points
    blocks = _Blocks(read, sample_count, settings)
    low, high = settings.db_range or _range_of(power for _, power in blocks)
    width, height = RFUAV_CANVAS if settings.image_size is None else (settings.image_size, settings.image_size)
    is_nearest = all(_is_enlarged(*axis) for axis in ((columns, RFUAV_CANVAS[0]), (points, RFUAV_CANVAS[1])))
    across = _scaling(columns, RFUAV_CANVAS[0], width, is_nearest=is_nearest).tocsc()
    drawn = np.zeros((width, points * 3), np.float32)
    for first, power in blocks:
        part = across[:, first : first + len(power)].tocsr()
        rows = np.flatnonzero(np.diff(part.indptr))
        colored = _colored(power, low, high, colors(settings.colormap))
        drawn[rows] += part[rows] @ colored.reshape(len(power), -1).astype(np.float32)
    # The order of the FFT becomes that of the image: the highest frequency at the top.
    order = np.argsort(np.fft.fftshift(np.arange(points)))
    upwards = _scaling(points, RFUAV_CANVAS[1], height, is_nearest=is_nearest).tocsc()[:, order].tocsr()[::-1]
    by_frequency = np.ascontiguousarray(drawn.reshape(width, points, 3).transpose(1, 0, 2))
    image = (upwards @ by_frequency.reshape(points, -1)).reshape(height, width, 3)
    drawn_image: Image = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return drawn_image


class _Blocks:
    """The blocks of the STFT, as often as they are asked for. They are computed once if they are few enough."""

    def __init__(self, read: Read, sample_count: int, settings: StftSettings) -> None:
        self._arguments = read, sample_count, settings
        values = settings.columns(sample_count) * settings.stft_points
        self._kept: list[Block] | None = list(power_blocks(*self._arguments)) if values <= _KEPT_VALUES else None

    def __iter__(self) -> Iterator[Block]:
        return iter(self._kept) if self._kept is not None else power_blocks(*self._arguments)


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


def _colored(power: Power, low: float, high: float, table: Image) -> Image:
    """The colour of each |Z|², uint8 (columns, points, 3): white, as the paper, if it has no finite logarithm."""
    with np.errstate(divide="ignore", invalid="ignore"):
        levels = np.log(power)
        # As in matplotlib, level i begins at i / 256 of the range. One value alone has the lowest colour.
        levels *= 256 * 5 / np.log(10) / (high - low) if high > low else 0
        levels -= 256 * low / (high - low) if high > low else 0
        np.clip(levels, 0, 255, out=levels)
        colored: Any = cv2.applyColorMap(levels.astype(np.uint8), table[:, np.newaxis])
    if not _is_finite(power):
        colored[~(np.isfinite(power) & (power > 0))] = _WHITE
    return np.asarray(colored, np.uint8)


def _is_enlarged(values: int, pixels: int) -> bool:
    """Whether matplotlib repeats the values of this axis, unless the other axis makes it smooth both."""
    return pixels > 3 * values or pixels in {values, 2 * values}


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
