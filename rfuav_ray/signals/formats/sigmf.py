"""SigMF recordings: pairs of `x.sigmf-meta` (JSON) and `x.sigmf-data` (samples only).

Specification: sigmf.org, version 1.2.
"""

import logging
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rfuav_ray.errors import RunError
from rfuav_ray.signals.description import HIGHEST_RATE_HZ, Asked, Capture, Described, notes_of_cut
from rfuav_ray.signals.stored_samples import RTL_SDR_ZERO, WAV_ZERO, check_file, raw_samples

logger = logging.getLogger(__name__)

META_SUFFIX, DATA_SUFFIX = ".sigmf-meta", ".sigmf-data"
SUFFIXES = frozenset({META_SUFFIX, DATA_SUFFIX})

_LARGEST_METADATA_BYTES = 10_000_000
#: a name within the same folder: no path separator of any system, not `.` and not `..`
_FILE_NAME = re.compile(r"(?!\.{1,2}$)[^/\\:]+")
#: limit of common file systems
_LONGEST_NAME_BYTES = 255
_DATA_TYPE = re.compile(r"([cr])(f32|f64|i32|i16|i8|u32|u16|u8)(?:_(le|be))?")


@dataclass(frozen=True)
class Metadata:
    """The part of the metadata that is needed to read the samples."""

    data_path: Path
    #: numpy's type string of one value, with byte order: `<f4`
    value_type: str
    is_complex: bool
    #: None: not stated, which SigMF allows
    sample_rate_hz: float | None
    center_frequency_hz: float | None
    header_bytes: int
    trailing_bytes: int


def describe(path: Path, _asked: Asked) -> Described:
    """Describe a SigMF recording, given either file of the pair. Raises RunError if it cannot be used."""
    check_file(path)
    path = metadata_path(path)
    check_file(path)
    said = read_metadata(path)
    if not said.data_path.exists():
        raise RunError(f"{path}: the data file is missing. Put {said.data_path.name} beside it.")
    samples = raw_samples(
        said.data_path,
        said.value_type,
        is_complex=said.is_complex,
        skipped_bytes=said.header_bytes,
        trailing_bytes=said.trailing_bytes,
        unsigned_zero=WAV_ZERO if said.data_path.suffix.lower() == ".wav" else RTL_SDR_ZERO,
    )
    captures = () if said.center_frequency_hz is None else (Capture(0, said.center_frequency_hz),)
    data_type = np.dtype(said.value_type).name
    return Described(samples, data_type, said.sample_rate_hz, captures, notes_of_cut(samples))


def metadata_path(path: Path) -> Path:
    """The metadata file of a recording, given either file of the pair. Raises RunError if it is missing."""
    if path.suffix.lower() == META_SUFFIX:
        return path
    if found := _beside(path, META_SUFFIX):
        return found
    raise RunError(
        f"{path}: the metadata file is missing. Put {path.with_suffix(META_SUFFIX).name} with the data type and "
        "the sample rate beside it, or rename the file to .bin and set both."
    )


def is_counted(path: Path) -> bool:
    """Whether a walk over a folder counts this file, so that each recording counts once.

    Metadata files always count. A `.sigmf-data` file counts only if its metadata are missing, so that opening it
    reports the mistake. Any other file counts unless metadata of the same name claim it as their data
    (`core:dataset`).
    """
    if path.suffix.lower() == META_SUFFIX:
        return True
    metadata = _beside(path, META_SUFFIX)
    if metadata is None or path.suffix.lower() == DATA_SUFFIX:
        return metadata is None
    try:
        return bool(_load(metadata).get_global_field("core:dataset") != path.name)
    except RunError:
        return True  # the broken metadata count separately, and opening them reports the error


def read_metadata(path: Path) -> Metadata:
    """Read a `.sigmf-meta` file. The data file is not opened.

    Only the needed fields are checked: a field that breaks SigMF's schema elsewhere does not block the samples.
    With several captures the first one's frequency is used; if they differ, a warning is logged.

    Raises:
        RunError: The metadata cannot be used.
    """
    metadata = _load(path)
    captures = metadata.get_captures()
    if not isinstance(captures, list) or not all(isinstance(capture, dict) for capture in captures):
        raise RunError(f"{path}: 'captures' must be a list of objects.")
    value_type, is_complex = _data_type(path, metadata.get_global_field("core:datatype"))
    if (channels := metadata.get_global_field("core:num_channels")) != 1:
        raise RunError(
            f"{path}: core:num_channels is {_short(channels)}; only recordings of one channel can be read."
        )
    return Metadata(
        data_path=_data_path(path, metadata.get_global_field("core:dataset")),
        value_type=value_type,
        is_complex=is_complex,
        sample_rate_hz=_sample_rate_hz(path, metadata.get_global_field("core:sample_rate")),
        center_frequency_hz=_center_frequency_hz(path, captures),
        header_bytes=_header_bytes(path, captures),
        trailing_bytes=_byte_count(path, "core:trailing_bytes", metadata.get_global_field("core:trailing_bytes")),
    )


def _load(path: Path) -> Any:
    """The metadata as a SigMFFile of the sigmf package.

    `SigMFFile.fromfile` is not used: it follows `core:dataset` out of the folder, ignores bytes that do not fit,
    and raises errors of many types.
    """
    import sigmf  # noqa: PLC0415  # takes 0.2 s, which a service that only trains saves

    try:
        if path.stat().st_size > _LARGEST_METADATA_BYTES:
            raise RunError(
                f"{path}: larger than {_LARGEST_METADATA_BYTES // 10**6} MB, too large for metadata; "
                "remove annotations."
            )
        return sigmf.SigMFFile(metadata=path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: is not JSON: {error}. Write the metadata again.") from error
    except (AttributeError, KeyError, TypeError) as error:  # the constructor's errors for JSON without objects
        raise RunError(f"{path}: has no object 'global', so it is not SigMF metadata.") from error


def _beside(path: Path, suffix: str) -> Path | None:
    """The other file of the pair; its suffix may be lower case, upper case, or spelled like this file's."""
    alike = path.suffix[: -len("meta")] + suffix[-len("meta") :]
    spellings = dict.fromkeys([suffix, suffix.upper(), alike if alike.lower() == suffix else suffix])
    try:
        return next((found for one in spellings if (found := path.with_suffix(one)).is_file()), None)
    except OSError:  # a name too long for the longer suffix
        return None


def _data_path(path: Path, dataset: object) -> Path:
    if dataset is None:
        return _beside(path, DATA_SUFFIX) or path.with_suffix(DATA_SUFFIX)
    # A path would let foreign metadata read any file of this machine.
    is_name = isinstance(dataset, str) and _FILE_NAME.fullmatch(dataset) and dataset.isprintable()
    if not isinstance(dataset, str) or not is_name or len(dataset.encode()) > _LONGEST_NAME_BYTES:
        raise RunError(
            f"{path}: core:dataset is {_short(dataset)}; it must be the name of a file in the same folder, "
            "without a path."
        )
    return path.with_name(dataset)


def _data_type(path: Path, named: object) -> tuple[str, bool]:
    """numpy's type string of one value, and whether samples are complex. The default is little-endian."""
    match = _DATA_TYPE.fullmatch(named.lower()) if isinstance(named, str) else None
    if match is None:
        what = "is missing" if named is None else f"is {_short(named)}"
        raise RunError(
            f"{path}: core:datatype {what}; supported are cf32_le, ri16_be and the like: c or r, then f32, f64, "
            "i32, i16, i8, u32, u16 or u8, then _le or _be."
        )
    kind, value, order = match.groups()
    return f"{'>' if order == 'be' else '<'}{value[0]}{int(value[1:]) // 8}", kind == "c"


def _number(value: object) -> float:
    """The value as a float. NaN for anything else, including JSON's true and integers too large for a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _sample_rate_hz(path: Path, value: object) -> float | None:
    if value is None:
        return None
    if not 0 < _number(value) <= HIGHEST_RATE_HZ:
        raise RunError(
            f"{path}: core:sample_rate is {_short(value)}; it must be above 0 and at most {HIGHEST_RATE_HZ:g} "
            "samples/s. Correct it, or remove it and set sample_rate_hz."
        )
    return _number(value)


def _center_frequency_hz(path: Path, captures: list[dict[str, Any]]) -> float | None:
    if not captures or (stated := captures[0].get("core:frequency")) is None:
        return None
    frequency_hz = _number(stated)
    if not math.isfinite(frequency_hz):
        logger.warning("%s: core:frequency of the first capture is not a number and is ignored", path)
        return None
    if any(capture.get("core:frequency", stated) != stated for capture in captures):
        logger.warning(
            "%s: the captures have different frequencies; the first one's, %g Hz, is used for all of them",
            *(path, frequency_hz),
        )
    return frequency_hz


def _header_bytes(path: Path, captures: list[dict[str, Any]]) -> int:
    sizes = [_byte_count(path, "core:header_bytes", capture.get("core:header_bytes")) for capture in captures]
    if any(sizes[1:]):
        raise RunError(
            f"{path}: core:header_bytes of a later capture: headers between samples are not supported. "
            "Write each capture as a separate recording."
        )
    return sizes[0] if sizes else 0


def _byte_count(path: Path, field: str, value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise RunError(f"{path}: {field} is {_short(value)}; it must be a whole number of bytes, 0 or more.")
    return value


def _short(value: object) -> str:
    return repr(value)[:80]
