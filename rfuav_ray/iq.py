"""IQ recordings on disk, mapped rather than loaded: a file of any size opens at once and is read in parts."""

import logging
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.io import wavfile

from rfuav_ray.errors import InvalidInput, RunError

logger = logging.getLogger(__name__)

#: what a file without a header may hold, I and Q in turn, little-endian
DATA_TYPES = ("float32", "int16", "int8", "uint8")
#: RFUAV's recordings are float32; `.bin` is anybody's, so it has to be named
DEFAULT_DATA_TYPES = {".iq": "float32", ".dat": "float32", ".bin": None}
RECORDING_SUFFIXES = frozenset({*DEFAULT_DATA_TYPES, ".npy", ".wav"})

_REAL_KINDS = ("float64", "float32", "int32", "int16", "int8", "uint8")

Samples = npt.NDArray[np.complex64]
Stored = npt.NDArray[Any]


@dataclass(frozen=True)
class Recording:
    """A recording that can be read; `open_recording` makes it. It holds no open file and pickles small."""

    path: Path
    #: None when neither the file nor the caller says it
    sample_rate_hz: float | None
    data_type: str
    sample_count: int
    #: False for a WAV file of one channel: a real signal, whose spectrum is symmetric
    is_complex: bool

    def read(self, start: int, count: int) -> Samples:
        """Samples `start` to `start + count`, shape (count,); integers are scaled to -1..1.

        A sample that is NaN or infinite is read as 0, as if nothing had been received, and logged: left as
        it is it would blank every STFT window it falls into. Raises RunError outside the recording.
        """
        if start < 0 or count < 0 or start + count > self.sample_count:
            raise RunError(f"{self.path}: there are {self.sample_count} samples, not {start} to {start + count}.")
        stored = _map_samples(self.path, self.data_type)[0][start : start + count]
        if len(stored) < count:
            raise RunError(
                f"{self.path}: the file became shorter while it was read; read it again once it is whole."
            )
        # In WAV files silence is 128; the samples of an RTL-SDR lie evenly around 127.5.
        samples = _to_complex(stored, uint8_zero=128.0 if self.path.suffix.lower() == ".wav" else 127.5)
        finite = np.isfinite(samples)
        if not finite.all():
            samples[~finite] = 0
            logger.warning(
                "%s: %d of the %d samples from %d on are NaN or infinite and are read as 0",
                *(self.path, count - np.count_nonzero(finite), count, start),
            )
        return samples


def is_recording(path: Path) -> bool:
    """Whether the name says IQ recording (iq, dat, bin, npy, wav in any case) and it is no hidden file."""
    return path.suffix.lower() in RECORDING_SUFFIXES and not path.name.startswith(".")


def open_recording(path: Path, *, sample_rate_hz: float | None = None, data_type: str | None = None) -> Recording:
    """Look at a recording without reading its samples.

    `.iq`, `.dat`: interleaved I/Q, float32 unless `data_type` names another. `.bin`: `data_type` must be
    named. `.npy`: complex (n,), real (n, 2), or real (2n,) taken as interleaved I/Q. `.wav`: two channels are
    I and Q, one is a real signal. `.npy` and `.wav` say their type themselves. A given sample rate wins over
    a WAV header's.

    Raises InvalidInput for a wrong argument and RunError, naming the file, for a file that cannot be used.
    """
    if sample_rate_hz is not None and not (math.isfinite(sample_rate_hz) and sample_rate_hz > 0):
        raise InvalidInput("sample_rate_hz", f"{sample_rate_hz} is no rate in samples per second above 0.")
    _check_file(path)
    suffix = path.suffix.lower()
    if suffix not in DEFAULT_DATA_TYPES:
        stored, rate_hz = _map_samples(path, None)
        if data_type not in {None, str(stored.dtype.name)}:
            raise InvalidInput(
                "data_type",
                f"'{data_type}', but {path} says itself that it is {stored.dtype.name}: leave data_type out.",
            )
        data_type = str(stored.dtype.name)
    else:
        data_type = data_type or DEFAULT_DATA_TYPES[suffix]
        if data_type not in DATA_TYPES:
            what = f"{path} does not say its own type" if data_type is None else f"'{data_type}' is unknown"
            raise InvalidInput("data_type", f"{what}; name one of {', '.join(DATA_TYPES)}.")
        stored, rate_hz = _map_samples(path, data_type)
    if len(stored) == 0:
        raise RunError(f"{path}: there is not one sample in it.")
    is_complex = stored.ndim == 2 or stored.dtype.kind == "c"
    return Recording(path, sample_rate_hz or rate_hz, data_type, len(stored), is_complex)


def _check_file(path: Path) -> None:
    if path.suffix.lower() not in RECORDING_SUFFIXES:
        raise RunError(f"{path}: an IQ recording is named {', '.join(sorted(RECORDING_SUFFIXES))}.")
    if not path.exists():
        raise RunError(f"{path}: there is no such file.")
    if not path.is_file():
        raise RunError(f"{path}: this is not a file.")
    if path.stat().st_size == 0:
        raise RunError(f"{path}: the file is empty (0 bytes).")


def _map_samples(path: Path, data_type: str | None) -> tuple[Stored, float | None]:
    """The samples as stored, mapped: complex (n,), I/Q (n, 2) or real (n,); and the header's sample rate."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            return _map_npy(path), None
        if suffix == ".wav":
            return _map_wav(path)
        return _map_raw(path, np.dtype(data_type)), None
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read as {suffix} file: {error}") from error


def _map_raw(path: Path, data_type: np.dtype[Any]) -> Stored:
    size, pair = path.stat().st_size, 2 * data_type.itemsize
    if size % pair:
        raise RunError(
            f"{path}: {size} bytes are no whole number of {data_type.name} I/Q pairs ({pair} bytes each), "
            f"the last {size % pair} do not fit. Either the file is cut off, or it holds another data_type."
        )
    return np.memmap(path, data_type.newbyteorder("<"), mode="r", shape=(size // pair, 2))


def _map_npy(path: Path) -> Stored:
    # Never unpickles: an array of Python objects cannot be mapped.
    stored: Stored = np.lib.format.open_memmap(path, mode="r")
    shape, name = stored.shape, stored.dtype.name
    if name in {"complex64", "complex128"} and stored.ndim == 1:
        return stored
    if name in _REAL_KINDS and stored.ndim == 2 and shape[1] == 2:
        return stored
    if name in _REAL_KINDS and stored.ndim == 1:
        if shape[0] % 2:
            raise RunError(
                f"{path}: {shape[0]} values are no whole number of I/Q pairs, the last {stored.itemsize} "
                "bytes do not fit. A real signal belongs into a WAV file of one channel."
            )
        return stored.reshape(-1, 2)
    raise RunError(
        f"{path}: holds {name} of shape {shape}; wanted is complex64 or complex128 of shape (n,), or "
        f"{', '.join(_REAL_KINDS)} of shape (n, 2) or (2n,)."
    )


def _map_wav(path: Path) -> tuple[Stored, float | None]:
    with warnings.catch_warnings():
        # SDR programs add chunks of their own, such as `auxi`, with the time and the centre frequency.
        warnings.simplefilter("ignore", wavfile.WavFileWarning)
        try:
            rate_hz, stored = wavfile.read(path, mmap=True)
        except Exception as error:  # scipy fails in many ways on a broken header
            raise RunError(f"{path}: cannot be read as WAV file of 8, 16 or 32 bits: {error}") from error
    if stored.dtype.name not in _REAL_KINDS:
        raise RunError(f"{path}: holds {stored.dtype.name}; wanted is one of {', '.join(_REAL_KINDS)}.")
    if stored.ndim == 2 and stored.shape[1] != 2:
        raise RunError(f"{path}: has {stored.shape[1]} channels; wanted are two (I and Q) or one (a real signal).")
    return stored, float(rate_hz) or None


def _to_complex(stored: Stored, *, uint8_zero: float) -> Samples:
    """A new complex64 array (n,) from what `_map_samples` gives."""
    if stored.dtype.kind == "c":
        with np.errstate(over="ignore"):  # too large for complex64: infinite, which `read` deals with
            return stored.astype(np.complex64)
    with np.errstate(over="ignore"):
        values = stored.astype(np.float32)
    if stored.dtype.kind == "u":
        values = (values - np.float32(uint8_zero)) / np.float32(uint8_zero)
    elif stored.dtype.kind == "i":
        values /= np.float32(-float(np.iinfo(stored.dtype).min))
    if values.ndim == 1:
        return values.astype(np.complex64)
    return np.ascontiguousarray(values).view(np.complex64)[:, 0]
