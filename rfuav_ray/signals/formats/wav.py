"""WAV files: two channels are I and Q, one channel is a real signal."""

import warnings
from dataclasses import dataclass
from pathlib import Path

from scipy.io import wavfile

from rfuav_ray.errors import RunError
from rfuav_ray.signals.description import Asked, Described
from rfuav_ray.signals.formats.npy import REAL_TYPES
from rfuav_ray.signals.stored_samples import WAV_ZERO, Stored, check_file

SUFFIXES = frozenset({".wav"})


@dataclass(frozen=True)
class WavSamples:
    """The samples of a WAV file."""

    path: Path
    sample_count: int
    is_complex: bool
    unsigned_zero: float = WAV_ZERO

    def map(self) -> Stored:
        return _map(self.path)[0]


def describe(path: Path, _asked: Asked) -> Described:
    """Describe a WAV file. Raises RunError if it cannot be used."""
    check_file(path)
    stored, rate_hz = _map(path)
    if len(stored) == 0:
        raise RunError(f"{path}: the file holds no samples.")
    samples = WavSamples(path, len(stored), is_complex=stored.ndim == 2)
    return Described(samples, str(stored.dtype.name), sample_rate_hz=rate_hz)


def _map(path: Path) -> tuple[Stored, float | None]:
    with warnings.catch_warnings():
        # scipy warns about unknown chunks. SDR programs add some, such as `auxi` with time and centre frequency.
        warnings.simplefilter("ignore", wavfile.WavFileWarning)
        try:
            rate_hz, stored = wavfile.read(path, mmap=True)
        except Exception as error:  # scipy fails in many ways on a broken header
            raise RunError(f"{path}: cannot be read as WAV file of 8, 16 or 32 bits: {error}") from error
    if stored.dtype.name not in REAL_TYPES:
        raise RunError(f"{path}: holds {stored.dtype.name}; supported are {', '.join(REAL_TYPES)}.")
    if stored.ndim == 2 and stored.shape[1] != 2:
        raise RunError(
            f"{path}: has {stored.shape[1]} channels; supported are two (I and Q) or one (a real signal)."
        )
    return stored, float(rate_hz) or None
