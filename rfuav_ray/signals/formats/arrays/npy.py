"""NumPy files: complex (n,), I/Q (n, 2) or (2, n), interleaved I/Q (2n,), or a real signal (n,) if so asked."""

import ast
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.signals.description import Asked, Described, Note
from rfuav_ray.signals.formats.arrays.layout import READABLE, Form, layout_of, part_type
from rfuav_ray.signals.formats.first_bytes import unlike
from rfuav_ray.signals.stored_samples import RawSamples, check_file

SUFFIXES = frozenset({".npy"})

_MAGIC = b"\x93NUMPY"
#: Its text takes hundreds of times as much memory while it is parsed.
_LARGEST_HEADER_BYTES = 64_000
_IF_REAL = "if they are a real signal, set real to true"


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    is_fortran: bool
    offset_bytes: int


def describe(path: Path, asked: Asked) -> Described:
    """Describe a .npy file. Of a file that is cut off, the samples that are there are read.

    Raises:
        RunError: The file is no .npy file, or its array holds no samples.
    """
    check_file(path)
    header = _header(path)
    layout = None if header.dtype.hasobject else layout_of(header.shape, header.dtype)
    if layout is None:
        raise RunError(f"{path}: holds {header.dtype.name} of shape {header.shape}; supported are {READABLE}.")
    value_type = part_type(header.dtype) or header.dtype
    if value_type.kind == "c":
        value_type = np.dtype(f"{value_type.byteorder}f{value_type.itemsize // 2}")
    is_complex = layout.form != "values" or not asked.is_real
    count, notes = layout.length, []
    if layout.form == "values" and is_complex:
        count = _pairs(path, count, value_type)
        notes.append(Note(f"its {2 * count} real values are read as interleaved I and Q; {_IF_REAL}"))
    is_planar = _is_planar(layout.form, is_fortran=header.is_fortran)
    sample_bytes = value_type.itemsize * (2 if is_complex else 1)
    missing_bytes = header.offset_bytes + count * sample_bytes - path.stat().st_size
    if missing_bytes > 0:
        if is_planar:
            raise RunError(f"{path}: the file is cut off within Q, which follows all of I; copy it again.")
        stated, count = count, max(0, path.stat().st_size - header.offset_bytes) // sample_bytes
        notes.append(Note(f"the file is cut off: of the {stated} samples in its header, {count} are there"))
    if count == 0:
        raise RunError(f"{path}: the file holds no samples.")
    samples = RawSamples(path, value_type.str, is_complex, header.offset_bytes, count, is_planar=is_planar)
    name = header.dtype.name if part_type(header.dtype) is None else value_type.name
    return Described(samples, name, notes=tuple(notes))


def _pairs(path: Path, count: int, value_type: np.dtype[Any]) -> int:
    if count % 2:
        raise RunError(
            f"{path}: {count} values are not a whole number of I/Q pairs; the last {value_type.itemsize} "
            f"bytes do not fit; {_IF_REAL}."
        )
    return count // 2


def _is_planar(form: Form, *, is_fortran: bool) -> bool:
    """Whether all of I comes first: two rows in C order, or two columns in Fortran order."""
    return (form == "rows" and not is_fortran) or (form == "columns" and is_fortran)


def _header(path: Path) -> _Header:
    """The header as NumPy's format specification describes it. Nothing is unpickled."""
    with open_file(path) as file:
        magic = file.read(8)
        if not magic.startswith(_MAGIC):
            raise unlike(path, "a NumPy file")
        try:
            length_bytes = 2 if magic[6] == 1 else 4
            length = int.from_bytes(file.read(length_bytes), "little")
            text = file.read(min(length, _LARGEST_HEADER_BYTES))
            fields = ast.literal_eval(text.decode("utf-8" if magic[6] == 3 else "latin-1").strip())
            dtype = np.lib.format.descr_to_dtype(fields["descr"])
            shape, is_fortran = tuple(fields["shape"]), bool(fields["fortran_order"])
            if not all(type(one) is int and one >= 0 for one in shape) or math.prod(shape) >= 2**62:
                raise ValueError(f"the shape is {shape}")
        except Exception as error:  # a damaged header fails in many ways
            raise RunError(f"{path}: cannot be read as .npy file: its header is damaged: {error}") from error
    return _Header(dtype, shape, is_fortran, len(magic) + length_bytes + length)
