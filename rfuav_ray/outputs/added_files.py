"""Files and folders whose names only one task has. A hidden list in the output folder names them."""

import json
from collections.abc import Sequence
from pathlib import Path

from rfuav_ray.file_access.json_text import parse_json
from rfuav_ray.file_access.limits import MAX_NOTE_BYTES
from rfuav_ray.file_access.reading import read_file
from rfuav_ray.files import write_text


def add_files(folder: Path, kind: str, names: Sequence[str]) -> None:
    """Note names that only this task gives to files or folders, relative to its folder, before it writes them."""
    names = list(dict.fromkeys([*added_files(folder, kind), *names]))
    write_text(list_file(folder, kind), json.dumps(names))


def added_files(folder: Path, kind: str) -> list[str]:
    """The names that `add_files` noted, whether the files exist or not."""
    try:
        names = parse_json(read_file(list_file(folder, kind), largest_bytes=MAX_NOTE_BYTES))
    except (OSError, ValueError):
        return []
    if not isinstance(names, list):
        return []
    # The file lies where others may write.
    return [name for name in names if is_below(folder, name)]


def list_file(folder: Path, kind: str) -> Path:
    """The file with these names."""
    return folder / f".{kind}-files.json"


def is_below(folder: Path, name: object) -> bool:
    """Whether the name is that of a file or folder below this one, which no link leads out of."""
    if not isinstance(name, str):
        return False
    parts = name.split("/")
    if {"", ".", ".."} & set(parts) or "\0" in name or parts[0] == "previous":
        return False
    return (folder / name).parent.resolve().is_relative_to(folder.resolve())
