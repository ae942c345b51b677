"""SigMF's files: which are metadata, which data they describe, and what their JSON holds."""

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.json_text import parse_json
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.signals.metadata import encodings
from rfuav_ray.signals.metadata.folder_names import names_in, once_per_folder

META_SUFFIX, DATA_SUFFIX = ".sigmf-meta", ".sigmf-data"

LARGEST_METADATA_BYTES = 10_000_000
#: a name within the same folder: no path separator of any system, not `.` and not `..`
_FILE_NAME = re.compile(r"(?!\.{1,2}$)[^/\\:]+")
#: limit of common file systems
_LONGEST_NAME_BYTES = 255


@dataclass(frozen=True)
class Content:
    """The JSON of a metadata file."""

    global_fields: dict[str, Any]
    captures: list[dict[str, Any]]
    #: if its encoding had to be guessed
    remark: str | None
    #: unchecked, since no sample depends on them
    annotations: list[Any]


def load(path: Path) -> Content:
    """Read a metadata file.

    The sigmf package is not used: it follows `core:dataset` out of the folder, ignores bytes that do not fit,
    knows UTF-8 only, and raises errors of many types.

    Raises:
        RunError: It is not SigMF metadata.
    """
    try:
        with open_file(path) as file:
            stored = file.read(min(os.fstat(file.fileno()).st_size, LARGEST_METADATA_BYTES) + 1)
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error}") from error
    return parse(path, stored)


def parse(path: Path, stored: bytes) -> Content:
    """What the bytes of a metadata file say; `path` is for messages. Raises RunError as `load`."""
    if len(stored) > LARGEST_METADATA_BYTES:
        raise RunError(
            f"{path}: larger than {LARGEST_METADATA_BYTES // 10**6} MB, too large for metadata; "
            "remove annotations."
        )
    try:
        text, remark = encodings.decode(stored)
        content = parse_json(text)
    except ValueError as error:
        raise RunError(f"{path}: is not JSON: {error}. Write the metadata again.") from error
    fields = content.get("global") if isinstance(content, dict) else None
    if not isinstance(fields, dict):
        raise RunError(f"{path}: has no object 'global', so it is not SigMF metadata.")
    captures = content.get("captures", [])
    if not isinstance(captures, list) or not all(isinstance(capture, dict) for capture in captures):
        raise RunError(f"{path}: 'captures' must be a list of objects.")
    annotations = content.get("annotations")
    return Content(fields, captures, remark, annotations if isinstance(annotations, list) else [])


def data_path(path: Path, fields: dict[str, Any]) -> Path:
    """The data file that these metadata describe, whether it exists or not.

    It is the file that `core:dataset` names; or the file of the same name and the suffix .sigmf-data; or, as for
    `x.iq.sigmf-meta`, the file whose name is that of the metadata without their suffix.

    Raises:
        RunError: `core:dataset` is no name of a file in the same folder.
    """
    dataset = fields.get("core:dataset")
    if dataset is None:
        bare = path.with_suffix("")
        return beside(path, DATA_SUFFIX) or (bare if bare.is_file() else path.with_suffix(DATA_SUFFIX))
    # A path would let foreign metadata read any file of this machine.
    is_name = isinstance(dataset, str) and _FILE_NAME.fullmatch(dataset) and dataset.isprintable()
    if not isinstance(dataset, str) or not is_name or len(dataset.encode()) > _LONGEST_NAME_BYTES:
        raise RunError(
            f"{path}: core:dataset is {repr(dataset)[:80]}; it must be the name of a file in the same folder, "
            "without a path."
        )
    named = path.with_name(dataset)
    if named.exists():
        return named
    # Systems write an umlaut as one character or as two, and some ignore the case.
    alike = (name for name in names_in(path.parent) if _plain(name) == _plain(dataset))
    return path.with_name(next(alike, dataset))


def beside(path: Path, suffix: str) -> Path | None:
    """The other file of the pair; its suffix may be lower case, upper case, or spelled like this file's."""
    alike = path.suffix[: -len("meta")] + suffix[-len("meta") :]
    spellings = dict.fromkeys([suffix, suffix.upper(), alike if alike.lower() == suffix else suffix])
    try:
        return next((found for one in spellings if (found := path.with_suffix(one)).is_file()), None)
    except OSError:  # a name too long for the longer suffix
        return None


def is_metadata(path: Path) -> bool:
    """Whether the file's name is that of SigMF metadata."""
    return path.suffix.lower() == META_SUFFIX


def metadata_of(path: Path) -> Path | None:
    """The metadata that describe a file: itself, those that claim it as their data, or none.

    Metadata that cannot be read claim the .sigmf-data of their name, so that opening it reports what is wrong.
    """
    if is_metadata(path):
        return path
    claiming = (path.with_name(name) for name in _claims(path.parent).get(path.name, ()))
    return next((one for one in claiming if _claimed(one) == path.name), None)


def others_of(metadata: Path, data: Path) -> tuple[str, ...]:
    """Names of other metadata that claim the same data."""
    return tuple(name for name in _claims(data.parent).get(data.name, ()) if name != metadata.name)


def is_counted(path: Path) -> bool:
    """Whether a walk over a folder counts this file, so that each recording counts once.

    Metadata count, and the data that they describe do not. Of several metadata for the same data one counts. A
    .sigmf-data without metadata counts, so that opening it reports the mistake.
    """
    if not is_metadata(path):
        return metadata_of(path) is None
    return path.name not in _spare(path.parent)


@once_per_folder
def _claims(folder: Path) -> dict[str, tuple[str, ...]]:
    """The metadata that describe each data file of a folder, by name. Those of the data's own name come first."""
    claims: dict[str, list[str]] = {}
    for name in names_in(folder):
        path = folder / name
        if is_metadata(path) and (data := _claimed(path)):
            claims.setdefault(data, []).append(name)
    return {data: tuple(sorted(names, key=lambda name: _distance(name, data))) for data, names in claims.items()}


@once_per_folder
def _spare(folder: Path) -> frozenset[str]:
    """The metadata of a folder whose data others describe, too, and better by their name."""
    return frozenset(name for claiming in _claims(folder).values() for name in claiming[1:])


def _claimed(path: Path) -> str | None:
    try:
        data: Path | None = data_path(path, load(path).global_fields)
    except RunError:
        data = beside(path, DATA_SUFFIX)
    return data.name if data and data.is_file() else None


def _distance(metadata: str, data: str) -> int:
    bare = Path(metadata).stem
    return 0 if bare in {data, Path(data).stem} else 1


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).lower()
