"""Files that hold nothing but samples: the suffix, RFUAV's .xml or the caller says which type."""

from pathlib import Path

import numpy as np

from rfuav_ray.errors import InvalidInput
from rfuav_ray.signals.data_types import DATA_TYPES
from rfuav_ray.signals.description import Asked, Described, Note, notes_of_cut
from rfuav_ray.signals.formats import first_bytes
from rfuav_ray.signals.formats.suffixes import CONVENTIONS, VAGUE_SUFFIXES, convention_of, suffix_of
from rfuav_ray.signals.metadata import rfuav_xml
from rfuav_ray.signals.stored_samples import check_file, raw_samples

SUFFIXES = frozenset(CONVENTIONS)

#: the shortest file without a suffix that a walk over a folder takes for samples
_SMALLEST_BYTES = 1024
#: files without a suffix that are never recordings, whatever they hold
_NEVER_RECORDINGS = frozenset(
    {"authors", "changelog", "contributing", "copying", "dockerfile", "license", "makefile", "notice", "readme"}
)


def describe(path: Path, asked: Asked) -> Described:
    """Describe a file without a header.

    Raises:
        InvalidInput: No type is known, or it is none of DATA_TYPES.
        RunError: The file cannot be used, or is of another format.
    """
    check_file(path)
    first_bytes.refuse_other_formats(path)
    said = rfuav_xml.describe(path)
    if asked.data_type is None and said.data_type not in {None, *DATA_TYPES}:
        raise InvalidInput(
            "data_type",
            f"{path}: {said.name} says {said.data_type}, which cannot be read; convert the samples, or choose one "
            f"of {', '.join(DATA_TYPES)}.",
        )
    usual = convention_of(path)
    data_type = asked.data_type or said.data_type or usual.data_type
    if data_type not in DATA_TYPES:
        what = f"{path} does not state its type" if data_type is None else f"'{data_type}' is unknown"
        raise InvalidInput("data_type", f"{what}; choose one of {', '.join(DATA_TYPES)}.")
    is_real = asked.is_real or usual.is_real
    samples = raw_samples(path, np.dtype(data_type).newbyteorder("<").str, is_complex=not is_real)
    notes = [*_notes_of_suffix(path, data_type, is_said=bool(asked.data_type or said.data_type))]
    return Described(samples, data_type, notes=(*notes, *first_bytes.notes(path), *notes_of_cut(samples)))


def _notes_of_suffix(path: Path, data_type: str, *, is_said: bool) -> list[Note]:
    suffix, usual = suffix_of(path), convention_of(path)
    notes = []
    if usual.is_assumed and not is_said:
        which = f"the suffix {suffix} stands for several types" if suffix else "the name has no suffix"
        notes.append(Note(f"{which}; {data_type} is assumed. Set data_type if it is another one"))
    if suffix not in VAGUE_SUFFIXES and data_type != usual.data_type:
        notes.append(Note(f"the suffix {suffix} stands for {usual.data_type}, but {data_type} is used, as stated"))
    if usual.is_real:
        meant = f"if they are I and Q, rename the file to {path.stem}.iq and set data_type"
        notes.append(Note(f"the suffix {suffix} stands for a real signal; {meant}"))
    return notes


def is_counted(path: Path) -> bool:
    """Whether a walk over a folder counts this file. Without a suffix only what can be samples counts."""
    if suffix_of(path):
        return True
    if path.stem.lower() in _NEVER_RECORDINGS:
        return False
    try:
        return path.stat().st_size >= _SMALLEST_BYTES and first_bytes.other_format(path) is None
    except OSError:
        return False
