"""NumPy files: complex (n,), I/Q (n, 2), interleaved I/Q (2n,), or a real signal (n,) if the caller says so."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rfuav_ray.errors import RunError
from rfuav_ray.signals.description import Asked, Described, Note
from rfuav_ray.signals.stored_samples import RTL_SDR_ZERO, Stored, check_file

SUFFIXES = frozenset({".npy"})
REAL_TYPES = ("float64", "float32", "int32", "int16", "int8", "uint8")


@dataclass(frozen=True)
class NpySamples:
    """The array of a .npy file."""

    path: Path
    sample_count: int
    is_complex: bool
    unsigned_zero: float = RTL_SDR_ZERO

    def map(self) -> Stored:
        return _shaped(self.path, is_real=not self.is_complex)


def describe(path: Path, asked: Asked) -> Described:
    """Describe a .npy file. Raises RunError if it cannot be used."""
    check_file(path)
    stored = _shaped(path, is_real=asked.is_real)
    if len(stored) == 0:
        raise RunError(f"{path}: the file holds no samples.")
    is_complex = stored.ndim == 2 or stored.dtype.kind == "c"
    notes = []
    if _map(path).ndim == 1 and stored.ndim == 2:
        notes.append(
            Note(
                f"its {2 * len(stored)} real values are read as interleaved I and Q; "
                "if they are a real signal, set real to true"
            )
        )
    return Described(NpySamples(path, len(stored), is_complex), str(stored.dtype.name), notes=tuple(notes))


def _map(path: Path) -> Stored:
    # open_memmap never unpickles, because an array of Python objects cannot be mapped.
    try:
        stored: Stored = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # numpy fails in many ways on a damaged header
        raise RunError(f"{path}: cannot be read as .npy file: {error}") from error
    return stored


def _shaped(path: Path, *, is_real: bool) -> Stored:
    """The samples as complex (n,), I/Q (n, 2) or real (n,). Raises RunError for any other array."""
    stored = _map(path)
    shape, name = stored.shape, stored.dtype.name
    if name in {"complex64", "complex128"} and stored.ndim == 1:
        return stored
    if name in REAL_TYPES and stored.ndim == 1 and is_real:
        return stored
    if name in REAL_TYPES and stored.ndim == 2 and shape[1] == 2:
        return stored
    if name in REAL_TYPES and stored.ndim == 1:
        if shape[0] % 2:
            raise RunError(
                f"{path}: {shape[0]} values are not a whole number of I/Q pairs; the last {stored.itemsize} "
                "bytes do not fit. If they are a real signal, set real to true."
            )
        return stored.reshape(-1, 2)
    raise RunError(
        f"{path}: holds {name} of shape {shape}; supported are complex64 or complex128 of shape (n,), or "
        f"{', '.join(REAL_TYPES)} of shape (n, 2) or (2n,)."
    )
