"""Samples as a file stores them: where they are, how they are read, and how they become complex numbers."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.reading import check_file_access, open_file

Samples = npt.NDArray[np.complex64]
#: samples as a file stores them: complex (n,), I/Q (n, 2) or real (n,)
Stored = npt.NDArray[Any]

#: the value of silence in unsigned samples: of an RTL-SDR, and of a WAV file of 8 bits
RTL_SDR_ZERO = 127.5
WAV_ZERO = 128.0


class StoredSamples(Protocol):
    """The location of samples in a file. Holds no samples and no open file, so it pickles small."""

    @property
    def path(self) -> Path: ...

    @property
    def sample_count(self) -> int: ...

    @property
    def is_complex(self) -> bool:
        """False: a real signal, whose spectrum is symmetric."""

    @property
    def unsigned_zero(self) -> float:
        """The value of silence in uint8 samples."""

    def stored(self, start: int, count: int) -> Stored:
        """These samples: complex (count,), I/Q (count, 2) or real (count,). The range lies within the recording.

        Raises:
            RunError: The file is gone, or became shorter.
        """


@dataclass(frozen=True)
class RawSamples:
    """Samples without gaps in a file, made by `raw_samples`."""

    path: Path
    #: numpy's type string of one value, with byte order: `<f4`, `>i2`, `|u1`
    value_type: str
    #: True: interleaved I/Q; False: one real value per sample
    is_complex: bool
    offset_bytes: int
    sample_count: int
    unsigned_zero: float = RTL_SDR_ZERO
    #: bytes after the last whole sample that are the beginning of another one
    cut_bytes: int = 0
    #: all I come first, then all Q; for complex samples
    is_planar: bool = False

    def stored(self, start: int, count: int) -> Stored:
        """These samples: I/Q (count, 2) or real (count,). Raises RunError as `StoredSamples.stored`."""
        value_type = np.dtype(self.value_type)
        values = 2 if self.is_complex else 1
        try:
            with open_file(self.path) as file:
                end = self.offset_bytes + value_type.itemsize * values * self.sample_count
                if os.fstat(file.fileno()).st_size < end:
                    raise RunError(
                        f"{self.path}: the file became shorter while it was read; wait until it is complete."
                    )
                if self.is_planar:
                    shape = (2, self.sample_count)
                    mapped = np.memmap(file, value_type, mode="r", offset=self.offset_bytes, shape=shape)
                    return mapped.T[start : start + count]
                # Faster than a map, whose pages are made anew for each part.
                offset = self.offset_bytes + value_type.itemsize * values * start
                read = np.fromfile(file, value_type, values * count, offset=offset)
                return read.reshape(-1, 2) if self.is_complex else read
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path}: cannot be read: {error}") from error


def raw_samples(
    path: Path,
    value_type: str,
    *,
    is_complex: bool = True,
    skipped_bytes: int = 0,
    trailing_bytes: int = 0,
    unsigned_zero: float = RTL_SDR_ZERO,
    region: tuple[int, int] | None = None,
) -> RawSamples:
    """Locate the samples between `skipped_bytes` at the start and `trailing_bytes` at the end of a file.

    A last sample that is cut off is left out; `cut_bytes` counts its bytes.

    Args:
        path: The file.
        value_type: numpy's type string of one value, with byte order.
        is_complex: True: a sample is a pair of I and Q. False: a sample is one real value.
        skipped_bytes: Length of the header.
        trailing_bytes: Number of bytes after the samples.
        unsigned_zero: The value of silence in uint8 samples.
        region: First byte and length of the part of the file that counts; None: all of it.

    Raises:
        RunError: The file is missing or has no samples.
    """
    check_file(path)
    first, length = region or (0, path.stat().st_size)
    size = length - skipped_bytes - trailing_bytes
    sample_bytes = np.dtype(value_type).itemsize * (2 if is_complex else 1)
    if size < sample_bytes:
        raise RunError(
            f"{path}: the file holds no samples: of its {length} bytes, the first {skipped_bytes} "
            f"and the last {trailing_bytes} are not samples, and one sample has {sample_bytes}."
        )
    count, cut = divmod(size, sample_bytes)
    return RawSamples(path, value_type, is_complex, first + skipped_bytes, count, unsigned_zero, cut)


def check_file(path: Path) -> None:
    """Raises RunError if the path is missing, is not a file, is empty, or lies outside of the roots."""
    if not path.exists():
        raise RunError(f"{path}: there is no such file.")
    if not path.is_file():
        raise RunError(f"{path}: this is not a file.")
    if path.stat().st_size == 0:
        raise RunError(f"{path}: the file is empty (0 bytes).")
    try:
        check_file_access(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}.") from error


def to_complex(stored: Stored, *, unsigned_zero: float = RTL_SDR_ZERO) -> Samples:
    """Convert stored samples to complex64 of shape (n,). Integers are scaled to -1..1.

    Samples that are stored as complex64 are not copied.
    """
    stored = np.asarray(stored)  # otherwise arrays computed from a memmap are memmap instances, too
    with np.errstate(over="ignore"):  # values too large for float32 become infinite
        if stored.dtype.kind == "c":
            return stored.astype(np.complex64, copy=False)
        values = stored.astype(np.float32, copy=False)
    if stored.dtype.kind == "u":
        half = np.iinfo(stored.dtype).max / 2
        zero = np.float32(unsigned_zero if stored.dtype.itemsize == 1 else half)
        values = (values - zero) / zero
    elif stored.dtype.kind == "i":
        values = values / np.float32(-float(np.iinfo(stored.dtype).min))
    if values.ndim == 1:
        return values.astype(np.complex64)
    return np.ascontiguousarray(values).view(np.complex64)[:, 0]
