"""The short-time Fourier transform of IQ samples, in blocks, in constant memory. Knows no images and no files.

"dB on RFUAV's scale" means 10*log10 of the amplitude |Z|, half the usual value of 20*log10|Z|.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import scipy.fft

from rfuav_ray.errors import RunError
from rfuav_ray.signals.stft_settings import StftSettings
from rfuav_ray.signals.stored_samples import Samples

__all__ = [
    "Block",
    "Decibels",
    "Power",
    "Read",
    "Samples",
    "StftSettings",
    "need_one_window",
    "power_blocks",
    "power_db",
    "reader",
    "stft_window",
    "to_db",
]

Decibels = npt.NDArray[np.float32]
Power = npt.NDArray[np.float32]
#: reads `count` samples from `start` on
Read = Callable[[int, int], Samples]
#: first column, and |Z|² of shape (columns, stft_points)
Block = tuple[int, Power]

#: FFT input points per block: 2 MB of complex64 stay in the processor's cache
_BLOCK_POINTS = 2**18
_SMALLEST_POWER = float(np.finfo(np.float32).tiny)
_LARGEST_POWER = float(np.finfo(np.float32).max)


def power_db(samples: Samples, settings: StftSettings) -> Decibels:
    """Compute 10*log10|Z| of all samples (dB on RFUAV's scale).

    Z is that of scipy.signal.stft: a full-scale tone is 0 dB. Silence is -190 dB. In the style `rfuav` the samples
    have zeros before and after them, as scipy's defaults say (boundary="zeros", padded=True). In the style `peak`
    only whole windows count (boundary=None, padded=False).

    Returns:
        float32, shape (stft_points, columns). Frequencies ascend, with zero in the middle.

    Raises:
        RunError: There are fewer than `stft_points` samples.
    """
    need_one_window(len(samples), settings)
    blocks = [power for _, power in power_blocks(reader(samples), len(samples), settings)]
    return to_db(np.fft.fftshift(np.concatenate(blocks).T, axes=0))


def power_blocks(read: Read, sample_count: int, settings: StftSettings) -> Iterator[Block]:
    """Blocks (first column, |Z|² of shape (columns, stft_points)) in FFT order. They are new arrays."""
    from rfuav_ray.signals.loops import transform  # noqa: PLC0415  # see there

    points, hop = settings.stft_points, settings.hop
    window = stft_window(settings)
    # Scaled like scipy.signal.stft, and as late as there: a tone of amplitude 1 gives |Z| = 1. The deepest null
    # decides over the colours of the style `rfuav`, and it is as deep as the rounding allows.
    scale = np.float32(1 / window.sum() ** 2)
    of_parts = np.repeat(window.astype(np.float32), 2)
    before = settings.zeros_before
    read = _between_zeros(read, sample_count) if before else read
    columns = settings.columns(sample_count)
    block = block_columns(points)
    windowed = np.empty((min(block, columns), points), np.complex64)
    for first in range(0, columns, block):
        count = min(block, columns - first)
        samples = np.ascontiguousarray(read(first * hop - before, (count - 1) * hop + points), np.complex64)
        transform.multiply_windows(samples.view(np.float32), of_parts, 2 * hop, windowed[:count].view(np.float32))
        spectrum = scipy.fft.fft(windowed[:count], axis=1, overwrite_x=True)
        power = np.empty((count, points), np.float32)
        # Absurd samples overflow, for example in a file read with the wrong data_type. Drawing bounds them.
        transform.square_magnitudes(spectrum.view(np.float32), scale, power)
        yield first, power


def stft_window(settings: StftSettings) -> npt.NDArray[np.float64]:
    """The window function: its weights of the samples of one STFT window, shape (stft_points,)."""
    # Imported here: it takes a second, and every process of the service imports this module for its settings.
    from scipy.signal import get_window  # noqa: PLC0415

    # RFUAV's tool takes the symmetric window of scipy.signal.windows, not the periodic one.
    window: npt.NDArray[np.float64] = get_window(
        settings.window, settings.stft_points, fftbins=settings.style != "rfuav"
    )
    return window


def reader(samples: Samples) -> Read:
    """A Read of samples in memory."""
    return lambda start, count: samples[start : start + count]


def need_one_window(sample_count: int, settings: StftSettings) -> None:
    """Raises RunError if there are fewer samples than one STFT window has."""
    if sample_count < settings.stft_points:
        raise RunError(f"{sample_count} samples are too few for one STFT window of {settings.stft_points}.")


def to_db(power: Power) -> Decibels:
    """10*log10|Z| of |Z|². Values that are no finite numbers become the nearest finite ones."""
    # float32 overflow leaves NaN, which fmin and fmax replace by a number.
    bounded = np.fmin(np.fmax(power, _SMALLEST_POWER), _LARGEST_POWER)
    return (5 * np.log10(bounded)).astype(np.float32)  # 10*log10|Z| = 5*log10|Z|²


def block_columns(points: int) -> int:
    """Columns of one block."""
    return max(1, _BLOCK_POINTS // points)


def _between_zeros(read: Read, sample_count: int) -> Read:
    """Samples before the first and after the last one are 0."""

    def padded(start: int, count: int) -> Samples:
        first, last = max(start, 0), min(start + count, sample_count)
        samples = read(first, last - first)
        if len(samples) == count:
            return samples
        whole = np.zeros(count, np.complex64)
        whole[first - start : last - start] = samples
        return whole

    return padded
