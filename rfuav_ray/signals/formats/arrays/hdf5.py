"""HDF5 files, and MATLAB's .mat files of version 7.3, which are HDF5. The samples are read in parts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.reading import name_of_open, open_file
from rfuav_ray.signals.description import Asked, Described
from rfuav_ray.signals.formats.arrays.hdf5_chunks import check_chunks, check_stored, is_small
from rfuav_ray.signals.formats.arrays.layout import ArraySamples, as_samples, part_type
from rfuav_ray.signals.formats.arrays.variables import Variable, choose, rate_and_frequency
from rfuav_ray.signals.formats.first_bytes import unlike
from rfuav_ray.signals.stored_samples import Stored, check_file

SUFFIXES = frozenset({".h5", ".hdf5"})

#: MATLAB's arrays of numbers that are no numbers
_MATLAB_TEXTS = frozenset({"char", "cell", "function_handle", "logical", "string"})
_MOST_OBJECTS = 10_000


class Hdf5Samples(ArraySamples):
    """The samples in data sets, which are read in parts."""

    def parts(self, start: int, count: int) -> list[Stored]:
        try:
            with _open(self.path) as file:
                return [self._part(file[name], start, count) for name in self.names]
        except (OSError, KeyError, ValueError) as error:
            raise RunError(f"{self.path}: cannot be read: {error}") from error

    def _part(self, data_set: Any, start: int, count: int) -> Stored:
        index: list[slice | int] = [0 if length == 1 else slice(None) for length in data_set.shape]
        index[self.layout.axis] = slice(start, start + count)
        check_chunks(data_set, [slice(1) if part == 0 else cast("slice", part) for part in index])
        return as_samples(np.asarray(data_set[tuple(index)]), self.layout.form)


def describe(path: Path, asked: Asked) -> Described:
    """Describe an HDF5 file.

    Raises:
        InvalidInput: `variable` is needed, or is not in the file.
        RunError: The file cannot be used.
    """
    import h5py  # noqa: PLC0415  # takes 0.1 s, which a service without such files saves

    check_file(path)
    if not h5py.is_hdf5(path):
        raise unlike(path, "an HDF5 file")
    try:
        with _open(path) as file:
            data_sets = list(_data_sets(file))
            variables = [Variable(name, one.shape, one.dtype) for name, one in data_sets if one.size > 1]
            numbers = {name: float(np.ravel(one[()])[0]) for name, one in data_sets if _is_number(one)}
            choice = choose(path, variables, asked)
            for name in choice.names:
                check_stored(file[name])
            numbers |= _attributes(file, choice.names[0])
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise RunError(f"{path}: cannot be read as HDF5 file: {error}; copy it again.") from error
    rate_hz, captures, notes = rate_and_frequency(numbers)
    samples = Hdf5Samples(path, choice.names, choice.layout, choice.is_complex)
    return Described(samples, (part_type(choice.dtype) or choice.dtype).name, rate_hz, captures, notes)


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    import h5py  # noqa: PLC0415

    # A shared folder may refuse locks to readers.
    with open_file(path) as opened, h5py.File(name_of_open(opened, path), "r", locking="best-effort") as file:
        yield file


def _data_sets(file: Any) -> Iterator[tuple[str, Any]]:
    """(name, data set) of all that the file itself holds. Links and data in other files are left out."""
    import h5py  # noqa: PLC0415

    found: list[tuple[str, Any]] = []

    def keep(name: str, one: Any) -> bool | None:
        is_own = (
            isinstance(one, h5py.Dataset) and one.shape is not None and not one.external and not one.is_virtual
        )
        if is_own and not name.startswith("#") and _matlab_class(one) not in _MATLAB_TEXTS:
            found.append((name, one))
        return True if len(found) >= _MOST_OBJECTS else None

    file.visititems(keep)
    yield from found


def _matlab_class(one: Any) -> str:
    named = one.attrs.get("MATLAB_class", b"")
    return named.decode("ascii", "replace") if isinstance(named, bytes) else str(named)


def _is_number(one: Any) -> bool:
    return bool(one.size == 1 and one.dtype.kind in "iuf" and is_small(one))


def _attributes(file: Any, name: str) -> dict[str, float]:
    """The numbers among the attributes of a data set, or of the groups around it."""
    numbers: dict[str, float] = {}
    one = file[name]
    for holder in (one, one.parent, file):
        for key in holder.attrs:
            kept = holder.attrs.get_id(key)  # an attribute can be as large as a data set
            if kept.get_space().get_simple_extent_npoints() == 1 and kept.dtype.kind in "iuf":
                numbers.setdefault(key, float(np.ravel(holder.attrs[key])[0]))
    return numbers
