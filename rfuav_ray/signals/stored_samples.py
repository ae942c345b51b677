"""Memory-mapped samples of files without a header, of .npy files and of .wav files."""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.io import wavfile

from rfuav_ray.errors import RunError

Samples = npt.NDArray[np.complex64]
#: samples as a file stores them: complex (n,), I/Q (n, 2) or real (n,)
Stored = npt.NDArray[Any]

_REAL_KINDS = ("float64", "float32", "int32", "int16", "int8", "uint8")


@dataclass(frozen=True)
class RawSamples:
    """The location of raw samples in a file, made by `raw_samples`. It holds no samples, so it pickles small."""

    path: Path
    #: numpy's type string of one value, with byte order: `<f4`, `>i2`, `|u1`
    value_type: str
    #: True: interleaved I/Q; False: one real value per sample
    is_complex: bool
    offset_bytes: int
    sample_count: int

    def map(self) -> Stored:
        """Map the samples as I/Q (n, 2) or real (n,). Raises RunError if the file is gone or became shorter."""
        value_type = np.dtype(self.value_type)
        shape = (self.sample_count, 2) if self.is_complex else (self.sample_count,)
        try:
            if self.path.stat().st_size < self.offset_bytes + value_type.itemsize * math.prod(shape):
                raise RunError(
                    f"{self.path}: the file became shorter while it was read; wait until it is complete."
                )
            return np.memmap(self.path, value_type, mode="r", offset=self.offset_bytes, shape=shape)
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path}: cannot be read: {error}") from error


def raw_samples(
    path: Path, value_type: str, *, is_complex: bool = True, skipped_bytes: int = 0, trailing_bytes: int = 0
) -> RawSamples:
    """Locate the samples between `skipped_bytes` at the start and `trailing_bytes` at the end of a file.

    Args:
        path: The file.
        value_type: numpy's type string of one value, with byte order.
        is_complex: True: a sample is a pair of I and Q. False: a sample is one real value.
        skipped_bytes: Length of the header.
        trailing_bytes: Number of bytes after the samples.

    Raises:
        RunError: The file is missing, has no samples, or its size is no whole number of samples.
    """
    check_file(path)
    item = np.dtype(value_type)
    sample_bytes = item.itemsize * (2 if is_complex else 1)
    size = path.stat().st_size - skipped_bytes - trailing_bytes
    if size <= 0:
        raise RunError(
            f"{path}: the file holds no samples: of its {path.stat().st_size} bytes, the first {skipped_bytes} "
            f"and the last {trailing_bytes} are not samples."
        )
    if size % sample_bytes:
        what = f"{item.name} I/Q pairs" if is_complex else f"{item.name} values"
        raise RunError(
            f"{path}: {size} bytes are not a whole number of {what} ({sample_bytes} bytes each); "
            f"the last {size % sample_bytes} do not fit. Either the file is cut off, or it holds another "
            "data type."
        )
    return RawSamples(path, value_type, is_complex, skipped_bytes, size // sample_bytes)


def check_file(path: Path) -> None:
    """Raises RunError if the path is missing, is not a file, or is empty."""
    if not path.exists():
        raise RunError(f"{path}: there is no such file.")
    if not path.is_file():
        raise RunError(f"{path}: this is not a file.")
    if path.stat().st_size == 0:
        raise RunError(f"{path}: the file is empty (0 bytes).")


def map_file(path: Path) -> tuple[Stored, float | None]:
    """Map a .npy or .wav file.

    Returns:
        The samples as stored, and the sample rate of the WAV header in Hz; None if there is none.

    Raises:
        RunError: The file cannot be read. The message names it.
    """
    suffix = path.suffix.lower()
    try:
        return (_map_npy(path), None) if suffix == ".npy" else _map_wav(path)
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read as {suffix} file: {error}") from error


def _map_npy(path: Path) -> Stored:
    # open_memmap never unpickles, because an array of Python objects cannot be mapped.
    try:
        stored: Stored = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # numpy fails in many ways on a damaged header
        raise RunError(f"{path}: cannot be read as .npy file: {error}") from error
    shape, name = stored.shape, stored.dtype.name
    if name in {"complex64", "complex128"} and stored.ndim == 1:
        return stored
    if name in _REAL_KINDS and stored.ndim == 2 and shape[1] == 2:
        return stored
    if name in _REAL_KINDS and stored.ndim == 1:
        if shape[0] % 2:
            raise RunError(
                f"{path}: {shape[0]} values are not a whole number of I/Q pairs; the last {stored.itemsize} "
                "bytes do not fit. A real signal belongs in a WAV file of one channel."
            )
        return stored.reshape(-1, 2)
    raise RunError(
        f"{path}: holds {name} of shape {shape}; supported are complex64 or complex128 of shape (n,), or "
        f"{', '.join(_REAL_KINDS)} of shape (n, 2) or (2n,)."
    )


def _map_wav(path: Path) -> tuple[Stored, float | None]:
    with warnings.catch_warnings():
        # scipy warns about unknown chunks. SDR programs add some, such as `auxi` with time and centre frequency.
        warnings.simplefilter("ignore", wavfile.WavFileWarning)
        try:
            rate_hz, stored = wavfile.read(path, mmap=True)
        except Exception as error:  # scipy fails in many ways on a broken header
            raise RunError(f"{path}: cannot be read as WAV file of 8, 16 or 32 bits: {error}") from error
    if stored.dtype.name not in _REAL_KINDS:
        raise RunError(f"{path}: holds {stored.dtype.name}; supported are {', '.join(_REAL_KINDS)}.")
    if stored.ndim == 2 and stored.shape[1] != 2:
        raise RunError(
            f"{path}: has {stored.shape[1]} channels; supported are two (I and Q) or one (a real signal)."
        )
    return stored, float(rate_hz) or None


def to_complex(stored: Stored, *, is_wav: bool) -> Samples:
    """Convert mapped samples to a new complex64 array of shape (n,). Integers are scaled to -1..1."""
    stored = np.asarray(stored)  # otherwise arrays computed from a memmap are memmap instances, too
    with np.errstate(over="ignore"):  # values too large for float32 become infinite
        if stored.dtype.kind == "c":
            return stored.astype(np.complex64)
        values = stored.astype(np.float32)
    if stored.dtype.kind == "u":
        # Silence is 128 in a WAV file. The samples of an RTL-SDR are centred at 127.5.
        zero = np.float32(128 if is_wav else np.iinfo(stored.dtype).max / 2)
        values = (values - zero) / zero
    elif stored.dtype.kind == "i":
        values /= np.float32(-float(np.iinfo(stored.dtype).min))
    if values.ndim == 1:
        return values.astype(np.complex64)
    return np.ascontiguousarray(values).view(np.complex64)[:, 0]
