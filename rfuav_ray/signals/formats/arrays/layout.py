"""What the arrays of .npy, .mat and .h5 files hold, by their shape and type."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rfuav_ray.signals.stored_samples import RTL_SDR_ZERO, Stored

#: complex: one complex number per sample; columns: I/Q (n, 2); rows: I/Q (2, n); values: real (n,)
Form = Literal["complex", "columns", "rows", "values"]

_COMPLEX_TYPES = ("complex64", "complex128")
REAL_TYPES = ("float64", "float32", "float16", "int32", "int16", "int8", "uint16", "uint8")
READABLE = f"{' or '.join(_COMPLEX_TYPES)} of shape (n,), or {', '.join(REAL_TYPES)} of shape (n, 2) or (2, n)"

#: names of the two parts of a structured type
_PARTS = ({"i", "q"}, {"re", "im"}, {"r", "i"}, {"real", "imag"})


@dataclass(frozen=True)
class Layout:
    """How an array holds samples. Axes of length 1 do not count."""

    form: Form
    #: number of complex samples, or of real values
    length: int
    #: position of the axis of the samples in the array's shape
    axis: int


def layout_of(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Layout | None:
    """How an array of this shape and type holds samples; None: it does not. Two columns win over two rows."""
    dtype = np.dtype(dtype)
    longer = [axis for axis, length in enumerate(shape) if length != 1]
    lengths = [shape[axis] for axis in longer]
    is_complex = dtype.name in _COMPLEX_TYPES or part_type(dtype) is not None
    if not shape or not (is_complex or dtype.name in REAL_TYPES):
        return None
    if len(lengths) <= 1:
        axis = longer[0] if longer else 0
        return Layout("complex" if is_complex else "values", shape[axis], axis)
    if is_complex or len(lengths) > 2 or 2 not in lengths:
        return None
    return Layout("columns", lengths[0], longer[0]) if lengths[1] == 2 else Layout("rows", lengths[1], longer[1])


def part_type(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The type of I and of Q in a structured type such as MATLAB's {real, imag}; None: it is another type."""
    if dtype.names is None or len(dtype.names) != 2 or dtype.fields is None:
        return None
    first, second = (dtype[name] for name in dtype.names)
    names = [name.lower() for name in dtype.names]
    is_packed = dtype.fields[dtype.names[1]][1] == first.itemsize and dtype.itemsize == 2 * first.itemsize
    is_known = set(names) in _PARTS and names[0] in {"i", "re", "r", "real"}
    return first if is_known and is_packed and first == second and first.name in REAL_TYPES else None


def as_samples(array: Stored, form: Form) -> Stored:
    """Bring an array, of which axes of length 1 were removed, to complex (n,), I/Q (n, 2) or real (n,)."""
    if (part := part_type(array.dtype)) is not None:
        return np.ascontiguousarray(array).view(part).reshape(-1, 2)
    if form in {"complex", "values"}:
        return array.reshape(-1)
    return array.T if form == "rows" else array


@dataclass(frozen=True)
class ArraySamples(ABC):
    """The samples in one array of a file that holds several, or in one array of I and one of Q."""

    path: Path
    names: tuple[str, ...]
    layout: Layout
    is_complex: bool
    unsigned_zero: float = RTL_SDR_ZERO

    @property
    def sample_count(self) -> int:
        return self.layout.length

    def stored(self, start: int, count: int) -> Stored:
        """These samples. Raises RunError as `StoredSamples.stored`."""
        parts = self.parts(start, count)
        return parts[0] if len(parts) == 1 else np.stack(parts, axis=1)

    @abstractmethod
    def parts(self, start: int, count: int) -> list[Stored]:
        """These samples of each array. Raises RunError if one is gone."""
