"""The style `peak`: a spectrum analyzer's peak detector, coloured from percentile 1 to 99.9."""

import math
from itertools import pairwise

import cv2
import numpy as np

from rfuav_ray.signals.stft import Decibels, Power, to_db
from rfuav_ray.signals.stft_blocks import StftBlocks
from rfuav_ray.signals.stft_settings import StftSettings
from rfuav_ray.signals.styles.colors import Image, colors

_SILENCE_DB = 5 * math.log10(float(np.finfo(np.float32).tiny)) + 1


def draw(blocks: StftBlocks, settings: StftSettings) -> Image:
    """Draw blocks as RGB uint8 (image_size, image_size, 3), or (stft_points, columns, 3) without `image_size`."""
    size = settings.image_size
    power = _peaks(blocks, settings, width=blocks.columns if size is None else min(size, blocks.columns))
    if size is not None:
        power = cv2.resize(power, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
    db = to_db(power)
    low, high = settings.db_range or _range_of(db)
    levels = np.clip((db - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    image: Image = colors(settings.colormap)[levels[::-1]]
    return image


def _peaks(blocks: StftBlocks, settings: StftSettings, *, width: int) -> Power:
    """|Z|² of shape (stft_points, width), ascending frequencies: the peak of the columns that share one pixel.

    The peak is taken, not the mean. A pixel of a 0.1 s spectrogram with 640 pixels covers 160 µs, and the mean
    would fade shorter bursts. The peak also raises noise and noise-like signals: by 6 dB (20*log10|Z|) for 30
    columns.
    """
    peaks = np.zeros((width, settings.stft_points), np.float32)
    for first, power in blocks:
        pixel = np.arange(first, first + len(power)) * width // blocks.columns
        edges = [0, *(np.flatnonzero(pixel[1:] != pixel[:-1]) + 1), len(pixel)]
        # One call for each pixel: np.maximum.reduceat is 20 times slower.
        for start, end in pairwise(edges):
            peak = peaks[pixel[start]]
            np.maximum(peak, power[start:end].max(axis=0), out=peak)
    return np.ascontiguousarray(np.fft.fftshift(peaks, axes=1).T)


def _range_of(db: Decibels) -> tuple[float, float]:
    """The colour range of one spectrogram: percentiles 1 to 99.9, at least 10 dB apart (RFUAV's scale).

    Percentiles keep a single outlier from dulling the image. Silence is excluded because it has no level. The
    minimum range keeps pure noise from spreading over all colours.
    """
    received = db[db > _SILENCE_DB]
    if received.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(received, [1, 99.9])
    return float(low), float(max(high, low + 10))
