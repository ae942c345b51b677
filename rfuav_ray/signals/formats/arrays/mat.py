"""MATLAB's .mat files. Those of version 7.3 are HDF5; older ones are loaded whole."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.signals.description import Asked, Described
from rfuav_ray.signals.formats.arrays import hdf5
from rfuav_ray.signals.formats.arrays.layout import ArraySamples, as_samples
from rfuav_ray.signals.formats.arrays.mat_sizes import check_sizes
from rfuav_ray.signals.formats.arrays.variables import Variable, choose, rate_and_frequency
from rfuav_ray.signals.formats.first_bytes import other_format, unlike
from rfuav_ray.signals.formats.kept import once_per_version
from rfuav_ray.signals.stored_samples import Stored, check_file

SUFFIXES = frozenset({".mat"})

#: of all variables in memory; MATLAB's own limit for version 7 is 2 GB for each
_LARGEST_BYTES = 500_000_000
#: a complex double has 16 bytes
_MOST_VALUES = _LARGEST_BYTES // 16


class MatSamples(ArraySamples):
    """The samples in variables, which are loaded whole."""

    def parts(self, start: int, count: int) -> list[Stored]:
        try:
            arrays = [_load(self.path)[name] for name in self.names]
        except KeyError as error:
            raise RunError(f"{self.path}: the file changed while it was read: {error} is gone.") from error
        return [as_samples(np.squeeze(array), self.layout.form)[start : start + count] for array in arrays]


def describe(path: Path, asked: Asked) -> Described:
    """Describe a .mat file.

    Raises:
        InvalidInput: `variable` is needed, or is not in the file.
        RunError: The file cannot be used.
    """
    import h5py  # noqa: PLC0415  # takes 0.1 s, which a service without such files saves

    check_file(path)
    if h5py.is_hdf5(path):
        return hdf5.describe(path, asked)
    arrays = _load(path)
    choice = choose(
        path, (Variable(name, one.shape, one.dtype) for name, one in arrays.items() if one.size > 1), asked
    )
    numbers = {
        name: float(one.flat[0]) for name, one in arrays.items() if one.size == 1 and one.dtype.kind in "iuf"
    }
    rate_hz, captures, notes = rate_and_frequency(numbers)
    samples = MatSamples(path, choice.names, choice.layout, choice.is_complex)
    return Described(samples, choice.dtype.name, rate_hz, captures, notes)


@once_per_version(files=2)  # threads may read the end of one recording and the beginning of the next
def _load(path: Path) -> dict[str, Stored]:
    """All arrays of numbers by name, also those in structures: `record.samples`."""
    try:
        found = other_format(path)
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error}") from error
    if found is not None and "MATLAB" not in found.name:
        raise unlike(path, "a MATLAB file")
    try:
        with open_file(path) as file:
            return _load_opened(path, file)
    except RunError:
        raise
    except Exception as error:  # scipy fails in many ways on a damaged file
        raise RunError(f"{path}: cannot be read as MATLAB file: {error}; save it again.") from error


def _load_opened(path: Path, file: BinaryIO) -> dict[str, Stored]:
    from scipy import io  # noqa: PLC0415

    sizes = {name: int(np.prod(shape, dtype=np.float64)) for name, shape, _ in io.whosmat(file)}
    if sum(sizes.values()) > _MOST_VALUES:
        raise RunError(
            f"{path}: has {sum(sizes.values())} values; up to {_MOST_VALUES} are loaded. Save it with "
            "`save -v7.3`, which is read in parts."
        )
    check_sizes(file, _MOST_VALUES)
    stored = dict(_arrays(io.loadmat(file)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        typed = dict(_arrays(io.loadmat(file, mat_dtype=True)))
    # MATLAB stores doubles that are whole numbers as small integers. With mat_dtype scipy gives back doubles, but
    # drops the imaginary part of complex arrays.
    return {name: stored[name] if stored[name].dtype.kind == "c" else one for name, one in typed.items()}


def _arrays(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Stored]]:
    for name, one in values.items():
        if name.startswith("__") or not isinstance(one, np.ndarray):
            continue
        if one.dtype.names and one.size == 1:
            fields = {field: one[field].flat[0] for field in one.dtype.names}
            yield from _arrays(fields, f"{prefix}{name}.")
        elif one.dtype.kind in "iufc":
            yield prefix + name, one
