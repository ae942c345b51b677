"""Files that hold nothing but interleaved I/Q: the suffix, RFUAV's .xml or the caller says which type."""

from pathlib import Path
from typing import get_args

import numpy as np

from rfuav_ray.errors import InvalidInput
from rfuav_ray.signals.description import Asked, DataType, Described, notes_of_cut
from rfuav_ray.signals.formats import rfuav_xml
from rfuav_ray.signals.stored_samples import check_file, raw_samples

DATA_TYPES: tuple[str, ...] = get_args(DataType)
#: the type that each suffix stands for; RFUAV's recordings are float32, and `.bin` has no common type
TYPE_OF_SUFFIX = {".iq": "float32", ".dat": "float32", ".bin": None}
SUFFIXES = frozenset(TYPE_OF_SUFFIX)


def describe(path: Path, asked: Asked) -> Described:
    """Describe a file without a header.

    Raises:
        InvalidInput: No type is known, or it is none of DATA_TYPES.
        RunError: The file cannot be used.
    """
    check_file(path)
    said = rfuav_xml.describe(path)
    if asked.data_type is None and said.data_type not in {None, *DATA_TYPES}:
        raise InvalidInput(
            "data_type",
            f"{path}: {said.name} says {said.data_type}, which cannot be read; convert the samples, or choose one "
            f"of {', '.join(DATA_TYPES)}.",
        )
    data_type = asked.data_type or said.data_type or TYPE_OF_SUFFIX[path.suffix.lower()]
    if data_type not in DATA_TYPES:
        what = f"{path} does not state its type" if data_type is None else f"'{data_type}' is unknown"
        raise InvalidInput("data_type", f"{what}; choose one of {', '.join(DATA_TYPES)}.")
    samples = raw_samples(path, np.dtype(data_type).newbyteorder("<").str, is_complex=not asked.is_real)
    return Described(samples, data_type, notes=notes_of_cut(samples))
