"""Spectrograms of IQ samples, drawn like RFUAV's, in constant memory.

RFUAV (github.com/kitoweeknd/RFUAV, graphic/RawDataProcessor.py) uses a two-sided STFT, a Hamming window, zero
frequency in the middle, 10*log10|Z|, 0.1 s per spectrogram, jet colours, time to the right, frequency upwards.
"dB on RFUAV's scale" below means 10*log10 of the amplitude |Z|, half the usual value of 20*log10|Z|.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
import numpy.typing as npt
import scipy.fft

from rfuav_ray.errors import RunError
from rfuav_ray.files import replacing
from rfuav_ray.signals.recordings import Recording, Samples
from rfuav_ray.signals.stft_settings import LARGEST_SIDE, StftSettings

Decibels = npt.NDArray[np.float32]
Power = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

#: FFT input points per block: 2 MB of complex64 stay in the processor's cache
_BLOCK_POINTS = 2**18
_SMALLEST_POWER = float(np.finfo(np.float32).tiny)
_LARGEST_POWER = float(np.finfo(np.float32).max)
_SILENCE_DB = 5 * math.log10(_SMALLEST_POWER) + 1


@dataclass(frozen=True)
class Spectrogram:
    """One spectrogram of a recording."""

    #: position in the recording, from 0
    index: int
    #: time in the recording at which it starts
    time_s: float
    #: RGB uint8 (height, width, 3)
    image: Image
    #: how many of its samples were NaN or infinite and were read as 0
    bad_samples: int


#: reads `count` samples from `start` on
_Read = Callable[[int, int], Samples]


def power_db(samples: Samples, settings: StftSettings) -> Decibels:
    """Compute 10*log10|Z| of all samples (dB on RFUAV's scale).

    Z is that of scipy.signal.stft with boundary=None and padded=False: a full-scale tone is 0 dB. Silence is
    -190 dB.

    Returns:
        float32, shape (stft_points, columns). Frequencies ascend, with zero in the middle. Column c begins at
        sample c*hop.

    Raises:
        RunError: There are fewer than `stft_points` samples.
    """
    _need(len(samples), settings.stft_points)
    blocks = [power for _, power in _power_blocks(_reader(samples), len(samples), settings)]
    return _to_db(np.fft.fftshift(np.concatenate(blocks).T, axes=0))


def draw_spectrogram(samples: Samples, settings: StftSettings) -> Image:
    """Draw all samples as one spectrogram.

    Returns:
        RGB uint8, shape (image_size, image_size, 3), or (stft_points, columns, 3) if `image_size` is None.
        The highest frequency is at the top.

    Raises:
        RunError: There are fewer than `stft_points` samples.
    """
    _need(len(samples), settings.stft_points)
    return _draw(_reader(samples), len(samples), settings)


def spectrogram_count(recording: Recording, settings: StftSettings) -> int:
    """How many spectrograms the recording gives, 1 or more. A remainder shorter than one spectrogram is ignored.

    The recording's own sample rate overrides the rate in the settings.

    Raises:
        RunError: The recording is shorter than one spectrogram, or its sample rate gives a spectrogram too few
            samples or too many columns.
    """
    settings = settings.at_rate(recording.sample_rate_hz)
    size, rate_hz = settings.samples_per_spectrogram, settings.sample_rate_hz
    if size < settings.stft_points:
        raise RunError(
            f"{recording.path}: at its {rate_hz:g} samples/s a spectrogram of {settings.duration_s} s has "
            f"{size} samples, fewer than stft_points ({settings.stft_points}); increase duration_s or reduce "
            "stft_points."
        )
    if settings.image_size is None and (columns := settings.columns(size)) > LARGEST_SIDE:
        raise RunError(
            f"{recording.path}: at its {rate_hz:g} samples/s a spectrogram of {settings.duration_s} s has "
            f"{columns} STFT columns, too many for pixels; set image_size, or reduce duration_s."
        )
    if recording.sample_count < size:
        raise RunError(
            f"{recording.path}: {recording.sample_count} samples are {recording.sample_count / rate_hz:.6g} "
            f"s at {rate_hz:g} samples/s; one spectrogram needs {size} ({settings.duration_s:g} s). "
            "Record longer, or reduce duration_s."
        )
    return 1 + (recording.sample_count - size) // settings.samples_between_spectrograms


def iter_spectrograms(
    recording: Recording, settings: StftSettings, *, first: int = 0, count: int | None = None
) -> Iterator[Spectrogram]:
    """Draw the spectrograms of a recording one after the other.

    Each spectrogram depends only on its own samples, so that several workers can share a long recording.

    Args:
        recording: The recording.
        settings: The recording's own sample rate overrides theirs.
        first: Index of the first spectrogram.
        count: How many; None: all from `first` on.

    Raises:
        RunError: As for `spectrogram_count`, or the range is outside the recording. The call itself raises it,
            before the first spectrogram is drawn.
    """
    total = spectrogram_count(recording, settings)
    end = total if count is None else first + count
    if not 0 <= first <= end <= total:
        raise RunError(f"{recording.path}: the range {first} to {end} is outside its {total} spectrograms.")
    settings = settings.at_rate(recording.sample_rate_hz)
    step = settings.samples_between_spectrograms

    def draw() -> Iterator[Spectrogram]:
        for index in range(first, end):
            read = _RecordingReader(recording, index * step)
            image = _draw(read, settings.samples_per_spectrogram, settings)
            yield Spectrogram(index, index * step / settings.sample_rate_hz, image, read.bad_samples)

    return draw()


def save_spectrogram(path: Path, image: Image) -> None:
    """Write an RGB image (height, width, 3) in the format of the file's suffix, atomically and without a flush.

    Raises:
        RunError: The format is unknown, or the image cannot be encoded in it.
    """
    try:
        written, encoded = cv2.imencode(path.suffix, np.ascontiguousarray(image[:, :, ::-1]))
    except cv2.error as error:
        raise RunError(f"{path}: there is no image format named '{path.suffix}'; use .png or .jpg.") from error
    if not written:
        raise RunError(f"{path}: the image could not be encoded as {path.suffix}.")
    with replacing(path, flush=False) as temporary:
        temporary.write_bytes(encoded.tobytes())


def _reader(samples: Samples) -> _Read:
    return lambda start, count: samples[start : start + count]


class _RecordingReader:
    """Reads a recording forwards from one sample on, and counts the bad samples."""

    def __init__(self, recording: Recording, first: int) -> None:
        self.bad_samples = 0
        self._recording, self._first = recording, first
        self._seen = 0

    def __call__(self, start: int, count: int) -> Samples:
        samples, finite = self._recording.read_checked(self._first + start, count)
        # A block repeats the last samples of the previous one; each sample must count once.
        new = finite[max(0, self._seen - start) :]
        self.bad_samples += len(new) - int(np.count_nonzero(new))
        self._seen = start + count
        return samples


def _need(sample_count: int, needed: int) -> None:
    if sample_count < needed:
        raise RunError(f"{sample_count} samples are too few for one STFT window of {needed}.")


def _power_blocks(read: _Read, sample_count: int, settings: StftSettings) -> Iterator[tuple[int, Power]]:
    """Blocks (first column, |Z|² of shape (columns, stft_points)) in FFT order, in constant memory."""
    # Imported here: it takes a second, and every process of the service imports this module for its settings.
    from scipy.signal import get_window  # noqa: PLC0415

    points, hop = settings.stft_points, settings.hop
    window = get_window(settings.window, points)
    # Scaled like scipy.signal.stft: a tone of amplitude 1 gives |Z| = 1.
    window = (window / window.sum()).astype(np.float32)
    columns = settings.columns(sample_count)
    block = max(1, _BLOCK_POINTS // points)
    for first in range(0, columns, block):
        count = min(block, columns - first)
        samples = read(first * hop, (count - 1) * hop + points)
        frames = np.lib.stride_tricks.sliding_window_view(samples, points)[::hop]
        # Absurd samples overflow, for example in a file read with the wrong data_type. _to_db bounds them.
        with np.errstate(over="ignore", invalid="ignore"):
            spectrum = scipy.fft.fft(frames * window, axis=1, overwrite_x=True)
            power = spectrum.real**2 + spectrum.imag**2
        yield first, power


def _draw(read: _Read, sample_count: int, settings: StftSettings) -> Image:
    columns = settings.columns(sample_count)
    size = settings.image_size
    power = _peaks(read, sample_count, settings, width=columns if size is None else min(size, columns))
    if size is not None:
        power = cv2.resize(power, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
    db = _to_db(power)
    low, high = settings.db_range or _range_of(db)
    levels = np.clip((db - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    image: Image = _colors(settings.colormap)[levels[::-1]]
    return image


def _peaks(read: _Read, sample_count: int, settings: StftSettings, *, width: int) -> Power:
    """|Z|² of shape (stft_points, width), ascending frequencies: the peak of the columns that share one pixel.

    The peak is taken, not the mean, like a spectrum analyzer's peak detector. A pixel of a 0.1 s spectrogram with
    640 pixels covers 160 µs, and the mean would fade shorter bursts. The peak also raises noise and noise-like
    signals: by 6 dB (20*log10|Z|) for 30 columns.
    """
    columns = settings.columns(sample_count)
    peaks = np.zeros((width, settings.stft_points), np.float32)
    for first, power in _power_blocks(read, sample_count, settings):
        pixel = np.arange(first, first + len(power)) * width // columns
        starts = np.flatnonzero(np.diff(pixel, prepend=-1))
        peaks[pixel[starts]] = np.maximum(peaks[pixel[starts]], np.maximum.reduceat(power, starts, axis=0))
    return np.ascontiguousarray(np.fft.fftshift(peaks, axes=1).T)


def _to_db(power: Power) -> Decibels:
    # float32 overflow leaves NaN, which fmin and fmax replace by a number.
    bounded = np.fmin(np.fmax(power, _SMALLEST_POWER), _LARGEST_POWER)
    return (5 * np.log10(bounded)).astype(np.float32)  # 10*log10|Z| = 5*log10|Z|²


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


@lru_cache
def _colors(name: str) -> Image:
    """RGB of the 256 levels of a matplotlib colormap: uint8 (256, 3)."""
    table: Any = matplotlib.colormaps[name](np.arange(256), bytes=True)
    return np.ascontiguousarray(table[:, :3])
