"""Spectrogram pictures of IQ samples, drawn as RFUAV draws them, in constant memory.

RFUAV (github.com/kitoweeknd/RFUAV, graphic/RawDataProcessor.py): two-sided STFT, Hamming window, zero
frequency in the middle, 10*log10|Z|, 0.1 s a picture, jet colours, time to the right, frequency upwards.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import matplotlib
import numpy as np
import numpy.typing as npt
import scipy.fft
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from rfuav_ray.errors import RunError
from rfuav_ray.files import replacing
from rfuav_ray.signals.recordings import Recording, Samples

Decibels = npt.NDArray[np.float32]
Power = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]

#: FFT input points worked on at once: 2 MB of complex64, so that it stays in the processor's cache
_BLOCK_POINTS = 2**18
#: what JPEG allows
_LARGEST_SIDE = 65_535
_SMALLEST_POWER = float(np.finfo(np.float32).tiny)
_LARGEST_POWER = float(np.finfo(np.float32).max)
_SILENCE_DB = 5 * math.log10(_SMALLEST_POWER) + 1


class StftSettings(BaseModel):
    """How samples become a picture; the defaults are RFUAV's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: taken for recordings that do not say their own
    sample_rate_hz: Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)] = 100e6
    stft_points: Annotated[int, Field(ge=16, le=65536)] = 1024
    window: Literal["hamming", "hann", "blackman", "boxcar"] = "hamming"
    #: share of a window that the next one covers again
    window_overlap: Annotated[float, Field(ge=0, le=0.95)] = 0.5
    #: of one picture
    duration_s: Annotated[float, Field(gt=0, le=3600)] = 0.1
    #: share of a picture that the next one shows again
    overlap: Annotated[float, Field(ge=0, le=0.9)] = 0
    #: pixels; None: one pixel for each STFT column and frequency
    image_size: Annotated[int, Field(ge=32, le=4096)] | None = 640
    colormap: Literal["jet", "turbo", "viridis", "gray"] = "jet"
    #: 10*log10|Z| of the lowest and the highest colour, a full-scale tone being 0; None: each picture's own
    db_range: tuple[FiniteFloat, FiniteFloat] | None = None

    @model_validator(mode="after")
    def _fits(self) -> "StftSettings":
        if self.samples_per_picture < self.stft_points:
            raise ValueError(
                f"duration_s: a picture of {self.duration_s} s at {self.sample_rate_hz:g} samples/s has "
                f"{self.samples_per_picture} samples, fewer than stft_points ({self.stft_points})"
            )
        if self.image_size is None and (columns := self.columns(self.samples_per_picture)) > _LARGEST_SIDE:
            raise ValueError(f"image_size: name one, {columns} STFT columns are too many for pixels")
        if self.db_range and not self.db_range[0] < self.db_range[1]:
            raise ValueError("db_range: the first value must be lower than the second")
        return self

    @property
    def samples_per_picture(self) -> int:
        return round(self.duration_s * self.sample_rate_hz)

    @property
    def samples_between_pictures(self) -> int:
        """From the start of one picture to the start of the next."""
        return max(1, round(self.samples_per_picture * (1 - self.overlap)))

    @property
    def hop(self) -> int:
        """Samples from one STFT column to the next."""
        return max(1, round(self.stft_points * (1 - self.window_overlap)))

    def columns(self, sample_count: int) -> int:
        """STFT columns of that many samples: whole windows only, nothing is padded."""
        return max(0, 1 + (sample_count - self.stft_points) // self.hop)


@dataclass(frozen=True)
class Picture:
    """One picture of a recording: its place in it from 0, the time it starts at, RGB uint8."""

    index: int
    time_s: float
    image: Image
    #: of the samples drawn, those that were NaN or infinite and were read as 0
    bad_samples: int


#: gives `count` samples from `start` on
_Read = Callable[[int, int], Samples]


def power_db(samples: Samples, settings: StftSettings) -> Decibels:
    """10*log10|Z| of all samples, float32 (stft_points, columns), frequencies ascending, zero in the middle.

    Z is scipy.signal.stft's with boundary=None, padded=False (a full-scale tone is 0 dB). Column c begins at
    sample c*hop. Nothing received is -190 dB. Raises RunError for fewer than stft_points samples.
    """
    _need(len(samples), settings.stft_points, "The samples")
    blocks = [power for _, power in _power_blocks(_reader(samples), len(samples), settings)]
    return _to_db(np.fft.fftshift(np.concatenate(blocks).T, axes=0))


def picture(samples: Samples, settings: StftSettings) -> Image:
    """All samples as one picture, RGB uint8 (image_size, image_size, 3), the highest frequency at the top."""
    _need(len(samples), settings.stft_points, "The samples")
    return _draw(_reader(samples), len(samples), settings)


def picture_count(recording: Recording, settings: StftSettings) -> int:
    """How many pictures the recording gives, 1 or more; a rest shorter than a picture is left out.

    The sample rate that the recording says wins over the settings'. Raises RunError for a recording shorter
    than one picture, and where its rate makes a picture of too few or too many samples.
    """
    settings = _at_rate_of(recording, settings)
    size, rate_hz = settings.samples_per_picture, settings.sample_rate_hz
    if size < settings.stft_points:
        raise RunError(
            f"{recording.path}: at its {rate_hz:g} samples/s a picture of {settings.duration_s} s has "
            f"{size} samples, fewer than stft_points ({settings.stft_points}); make duration_s longer or "
            "stft_points fewer."
        )
    if settings.image_size is None and (columns := settings.columns(size)) > _LARGEST_SIDE:
        raise RunError(
            f"{recording.path}: at its {rate_hz:g} samples/s a picture of {settings.duration_s} s has {columns} "
            "STFT columns, too many for pixels; name an image_size, or make duration_s shorter."
        )
    if recording.sample_count < size:
        raise RunError(
            f"{recording.path}: {recording.sample_count} samples are {recording.sample_count / rate_hz:.6g} "
            f"s at {rate_hz:g} samples/s; one picture needs {size} ({settings.duration_s:g} s). "
            "Record longer, or make duration_s shorter."
        )
    return 1 + (recording.sample_count - size) // settings.samples_between_pictures


def pictures(
    recording: Recording, settings: StftSettings, *, first: int = 0, count: int | None = None
) -> Iterator[Picture]:
    """The recording's pictures one after the other; of `picture_count` those from `first` on, `count` or all.

    Each part is drawn as it would be with the others, so that several workers can share a long recording.
    Raises RunError, before the first picture, as `picture_count` does and for a part outside the recording.
    """
    total = picture_count(recording, settings)
    end = total if count is None else first + count
    if not 0 <= first <= end <= total:
        raise RunError(f"{recording.path}: there are {total} pictures, not {first} to {end}.")
    settings = _at_rate_of(recording, settings)
    step = settings.samples_between_pictures

    def draw() -> Iterator[Picture]:
        for index in range(first, end):
            read = _RecordingReader(recording, index * step)
            image = _draw(read, settings.samples_per_picture, settings)
            yield Picture(index, index * step / settings.sample_rate_hz, image, read.bad_samples)

    return draw()


def save_picture(path: Path, image: Image) -> None:
    """Write an RGB picture in the format of the file's suffix, whole or not at all."""
    try:
        written, encoded = cv2.imencode(path.suffix, np.ascontiguousarray(image[:, :, ::-1]))
    except cv2.error as error:
        raise RunError(f"{path}: there is no image format named '{path.suffix}'; use .png or .jpg.") from error
    if not written:
        raise RunError(f"{path}: the picture could not be encoded as {path.suffix}.")
    with replacing(path, flush=False) as temporary:
        temporary.write_bytes(encoded.tobytes())


def _reader(samples: Samples) -> _Read:
    return lambda start, count: samples[start : start + count]


class _RecordingReader:
    """Reads a recording from one sample on, forwards, and counts the bad samples."""

    def __init__(self, recording: Recording, first: int) -> None:
        self.bad_samples = 0
        self._recording, self._first = recording, first
        self._seen = 0

    def __call__(self, start: int, count: int) -> Samples:
        samples, finite = self._recording.read_checked(self._first + start, count)
        # A block begins with the last samples of the one before, and each counts once.
        new = finite[max(0, self._seen - start) :]
        self.bad_samples += len(new) - int(np.count_nonzero(new))
        self._seen = start + count
        return samples


def _at_rate_of(recording: Recording, settings: StftSettings) -> StftSettings:
    if recording.sample_rate_hz is None:
        return settings
    return settings.model_copy(update={"sample_rate_hz": recording.sample_rate_hz})


def _need(sample_count: int, needed: int, what: str) -> None:
    if sample_count < needed:
        raise RunError(f"{what} are {sample_count}, too few for one STFT window of {needed}.")


def _power_blocks(read: _Read, sample_count: int, settings: StftSettings) -> Iterator[tuple[int, Power]]:
    """Blocks (first column, |Z|² of shape (columns, stft_points)) in FFT order, in constant memory."""
    # Not above: it takes a second, and every process of the service knows this module's settings.
    from scipy.signal import get_window  # noqa: PLC0415

    points, hop = settings.stft_points, settings.hop
    window = get_window(settings.window, points)
    # Scaled as scipy.signal.stft does: a tone of amplitude 1 gives |Z| = 1.
    window = (window / window.sum()).astype(np.float32)
    columns = settings.columns(sample_count)
    block = max(1, _BLOCK_POINTS // points)
    for first in range(0, columns, block):
        count = min(block, columns - first)
        samples = read(first * hop, (count - 1) * hop + points)
        frames = np.lib.stride_tricks.sliding_window_view(samples, points)[::hop]
        # Absurd samples, as of a file read in the wrong data_type, overflow; _to_db bounds them.
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
    """|Z|², (stft_points, width), ascending frequencies: the peak of the columns that fall into one pixel.

    A peak and not a mean, as a spectrum analyzer's peak detector: a pixel of a 0.1 s picture lasts 160 µs,
    and a burst shorter than that would fade. Noise rises with it, by 6 dB for 30 columns; so do noise-like
    signals.
    """
    columns = settings.columns(sample_count)
    peaks = np.zeros((width, settings.stft_points), np.float32)
    for first, power in _power_blocks(read, sample_count, settings):
        pixel = np.arange(first, first + len(power)) * width // columns
        starts = np.flatnonzero(np.diff(pixel, prepend=-1))
        peaks[pixel[starts]] = np.maximum(peaks[pixel[starts]], np.maximum.reduceat(power, starts, axis=0))
    return np.ascontiguousarray(np.fft.fftshift(peaks, axes=1).T)


def _to_db(power: Power) -> Decibels:
    # fmin and fmax also turn NaN, left by float32 overflow, into a number.
    bounded = np.fmin(np.fmax(power, _SMALLEST_POWER), _LARGEST_POWER)
    return (5 * np.log10(bounded)).astype(np.float32)  # of a power, so 5 and not 10


def _range_of(db: Decibels) -> tuple[float, float]:
    """The colours' range of one picture: percentiles 1 to 99.9 of what was received, and 10 dB at the least.

    Percentiles, for one outlier would else dull the picture; silence does not count, as it has no level; and
    the least range keeps noise alone from being spread over all colours.
    """
    received = db[db > _SILENCE_DB]
    if received.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(received, [1, 99.9])
    return float(low), float(max(high, low + 10))


@lru_cache
def _colors(name: str) -> Image:
    """RGB of the 256 levels, matplotlib's."""
    table: Any = matplotlib.colormaps[name](np.arange(256), bytes=True)
    return np.ascontiguousarray(table[:, :3])
