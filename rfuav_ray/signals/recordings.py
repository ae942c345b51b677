"""IQ recordings on disk. Files are memory-mapped, so a file of any size opens at once and is read in parts."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import mmh3
import numpy as np
import numpy.typing as npt

from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.signals.data_types import DATA_TYPES
from rfuav_ray.signals.description import HIGHEST_RATE_HZ, Asked, Capture, Described, Note
from rfuav_ray.signals.formats import csv_table, first_bytes, headerless, wav
from rfuav_ray.signals.formats.arrays import hdf5, mat, npy
from rfuav_ray.signals.formats.sigmf import archive, pair
from rfuav_ray.signals.formats.suffixes import suffix_of
from rfuav_ray.signals.metadata.merging import merge
from rfuav_ray.signals.stored_samples import RawSamples, Samples, Stored, StoredSamples, to_complex

__all__ = ["DATA_TYPES", "RECORDING_SUFFIXES", "Recording", "Samples", "is_recording", "open_recording"]

_FORMATS: dict[frozenset[str], Callable[[Path, Asked], Described]] = {
    headerless.SUFFIXES: headerless.describe,
    npy.SUFFIXES: npy.describe,
    wav.SUFFIXES: wav.describe,
    pair.SUFFIXES: pair.describe,
    archive.SUFFIXES: archive.describe,
    mat.SUFFIXES: mat.describe,
    hdf5.SUFFIXES: hdf5.describe,
    csv_table.SUFFIXES: csv_table.describe,
}
#: A file without a suffix can be a recording, too: see `headerless`.
RECORDING_SUFFIXES = frozenset().union(*_FORMATS) - {""}

#: samples: 64 MB of the largest type
_DIGESTED_AT_ONCE = 2**22
#: True for each sample that was finite
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Recording:
    """A readable recording, made by `open_recording`. It holds no open file and no samples: it pickles small."""

    #: for SigMF always the metadata file, even if the caller named the data file
    path: Path
    #: None if neither the recording nor the caller states it
    sample_rate_hz: float | None
    #: numpy's name of the type, without byte order: of one value, or of one sample in a complex array
    data_type: str
    samples: StoredSamples
    #: in ascending order; empty: no frequency is known
    captures: tuple[Capture, ...] = ()
    #: what was assumed, ignored or doubtful, without the name of the recording; no part of what `digest` digests
    notes: tuple[Note, ...] = field(default=(), repr=False)

    @property
    def sample_count(self) -> int:
        return self.samples.sample_count

    @property
    def is_complex(self) -> bool:
        """False for a real signal, whose spectrum is symmetric."""
        return self.samples.is_complex

    @property
    def center_frequency_hz(self) -> float | None:
        """Radio frequency at 0 Hz of the spectrum, at the first sample; None: not known."""
        return self.center_frequency_at(0)

    def center_frequency_at(self, sample: int) -> float | None:
        """Radio frequency at 0 Hz of the spectrum at this sample; None: not known."""
        reached = [one.center_frequency_hz for one in self.captures if one.first_sample <= sample]
        return reached[-1] if reached else None

    def read(self, start: int, count: int) -> Samples:
        """Read the samples from `start` up to, but not including, `start + count`.

        NaN and infinite samples become 0, as if nothing had been received. Otherwise one such sample would blank
        every STFT window that contains it.

        Returns:
            complex64, shape (count,). Integers are scaled to -1..1.

        Raises:
            RunError: the range is outside the recording, or the file became shorter.
        """
        return self.read_checked(start, count)[0]

    def read_checked(self, start: int, count: int) -> tuple[Samples, Mask]:
        """Like `read`, with a mask of shape (count,) that is False for each sample that was replaced by 0."""
        samples = to_complex(self._stored(start, count), unsigned_zero=self.samples.unsigned_zero)
        # A sum takes half the time of a mask. It is finite only if all samples are.
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(samples.sum()):
                return samples, np.ones(count, bool)
        finite = np.isfinite(samples)
        return np.where(finite, samples, np.complex64(0)), finite

    def digest(self, start: int, count: int, go_on: Callable[[], None] = lambda: None) -> str:
        """A digest of these samples as they are stored, and of what the metadata say.

        `go_on` is called for each part that is read, and may raise to stop. Raises as `read`.
        """
        digest = None
        for first in range(start, start + max(1, count), _DIGESTED_AT_ONCE):
            go_on()
            stored = self._stored(first, min(_DIGESTED_AT_ONCE, start + count - first))
            digest = digest or mmh3.mmh3_x64_128(f"{self} {stored.dtype.str}".encode())
            digest.update(np.ascontiguousarray(stored).view(np.uint8).data)
        assert digest is not None
        return digest.digest().hex()

    def _stored(self, start: int, count: int) -> Stored:
        if start < 0 or count < 0 or start + count > self.sample_count:
            raise RunError(
                f"{self.path}: the range {start} to {start + count} is outside its {self.sample_count} samples."
            )
        stored = self.samples.stored(start, count)
        if len(stored) < count:
            raise RunError(
                f"{self.path}: the file became shorter while it was read; read it again when it is complete."
            )
        return stored


def is_recording(path: Path) -> bool:
    """Whether a walk over a folder counts this file as one IQ recording.

    The suffix decides, in any case: see RECORDING_SUFFIXES. Hidden files do not count.
    SigMF metadata and their data count once, see `pair.is_counted`. Of files without a suffix, those of samples
    count; of tables, those of two or three columns of numbers.
    """
    if path.name.startswith(".") or _describer(path) is None or not pair.is_counted(path):
        return False
    if suffix_of(path) in csv_table.SUFFIXES:
        return csv_table.is_counted(path)
    return suffix_of(path) not in headerless.SUFFIXES or headerless.is_counted(path)


def is_part_of_recording(path: Path) -> bool:
    """Whether the file describes a recording or holds the samples of one that counts by its metadata."""
    return path.suffix.lower() == ".xml" or not pair.is_counted(path)


def open_recording(
    path: Path,
    *,
    sample_rate_hz: float | None = None,
    center_frequency_hz: float | None = None,
    data_type: str | None = None,
    is_real: bool = False,
    variable: str | None = None,
) -> Recording:
    """Open a recording without reading its samples.

    Args:
        path: The recording. `docs/formats.md` lists what is read.
        sample_rate_hz: Wins over what the file says; so do the others, see `Asked`.
        center_frequency_hz: Of all samples.
        data_type: Of a file without a header, one of DATA_TYPES.
        is_real: The values are samples of a real signal, not interleaved I/Q.
        variable: The array in a file that holds several.

    Raises:
        InvalidInput: An argument is wrong or missing.
        RunError: The file cannot be used. The message names it.
    """
    asked = Asked(sample_rate_hz, center_frequency_hz, data_type, is_real, variable)
    _check(asked)
    metadata = pair.metadata_of(path)
    describe = pair.describe if metadata else _describer(path)
    if describe is None:
        if path.is_file():
            first_bytes.refuse_other_formats(path)
        raise RunError(f"{path}: an IQ recording is named {', '.join(sorted(RECORDING_SUFFIXES))}.")
    said = describe(path, asked)
    if isinstance(said.samples, RawSamples) and said.samples.offset_bytes == 0:
        first_bytes.refuse_other_formats(said.samples.path)
    merged = merge(asked, said, said.samples.path, header=metadata.name if metadata else "its header")
    notes = [*said.notes, *merged.notes]
    if asked.is_real and said.samples.is_complex:
        notes.append(Note("it states I and Q; real is not used"))
    if asked.data_type not in {None, said.data_type}:
        notes.append(Note(f"it states its own type, {said.data_type}; data_type '{asked.data_type}' is not used"))
    return Recording(
        path=metadata or path,
        sample_rate_hz=merged.sample_rate_hz,
        data_type=said.data_type,
        samples=said.samples,
        captures=merged.captures,
        notes=tuple(notes),
    )


def _describer(path: Path) -> Callable[[Path, Asked], Described] | None:
    return next((describe for suffixes, describe in _FORMATS.items() if suffix_of(path) in suffixes), None)


def _check(asked: Asked) -> None:
    if asked.sample_rate_hz is not None and not 0 < asked.sample_rate_hz <= HIGHEST_RATE_HZ:
        raise InvalidInput(
            "sample_rate_hz",
            f"{asked.sample_rate_hz} is not a valid sample rate; it must be above 0 and at most "
            f"{HIGHEST_RATE_HZ:g} samples/s.",
        )
    if asked.center_frequency_hz is not None and not math.isfinite(asked.center_frequency_hz):
        raise InvalidInput("center_frequency_hz", f"{asked.center_frequency_hz} is not a valid frequency in Hz.")
