"""Files and folders whose names only one task has. A hidden list in the output folder names them."""

import json
from collections.abc import Sequence
from pathlib import Path

from rfuav_ray.files import write_text


def add_files(folder: Path, kind: str, names: Sequence[str]) -> None:
    """Note names that only this task gives to files or folders, relative to its folder, before it writes them."""
    names = list(dict.fromkeys([*added_files(folder, kind), *names]))
    write_text(list_file(folder, kind), json.dumps(names))


def added_files(folder: Path, kind: str) -> list[str]:
    """The names that `add_files` noted, whether the files exist or not."""
    try:
        names = json.loads(list_file(folder, kind).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(names, list):
        return []
    # The file lies where others may write.
    return [name for name in names if isinstance(name, str) and _is_below(folder, name)]


def list_file(folder: Path, kind: str) -> Path:
    """The file with these names."""
    return folder / f".{kind}-files.json"


def _is_below(folder: Path, name: str) -> bool:
    """Whether the name is that of a file or folder below this one, which no link leads out of."""
    parts = name.split("/")
    if {"", ".", ".."} & set(parts) or "\0" in name or parts[0] == "previous":
        return False
    return (folder / name).parent.resolve().is_relative_to(folder.resolve())
