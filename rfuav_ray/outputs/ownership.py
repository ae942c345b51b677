"""Whose results are in an output folder. Clients use folders again: what an earlier task left is moved, not lost.

A hidden file for each kind of task names the task whose files are in the folder; those of the ones before it are
in `previous/<id>/`. Loads no torch, and knows nothing of tasks but their ids.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rfuav_ray.events import Report, RunEvent
from rfuav_ray.files import flush_folder, write_text
from rfuav_ray.outputs.artifacts import RESULT_FILES

PREVIOUS = "previous"


@dataclass(frozen=True)
class Moved:
    """The results of `task_id` (a time for those that nobody's name was on), and where they are now."""

    task_id: str
    folder: str
    names: list[str]
    #: whether this was the call that has moved them
    is_new: bool = False

    def __str__(self) -> str:
        return f"results of '{self.task_id}', which are in '{self.folder}' now: {', '.join(self.names)}."


def claim(folder: Path, kind: str, task_id: str, *, is_first: bool = True) -> Moved | None:
    """Make the folder `task_id`'s. Returns what it held of another one; for a later run of the task, once more.

    `is_first`: the task begins, so that whatever is in the folder is of another one, if only with the same id. A
    later run takes what has no name on it for its own: it is of a version without notes. Raises OSError.
    """
    note = _note(folder, kind)
    if not is_first and note is not None and note["task_id"] == task_id:
        return _moved(note)
    moved = None if note is None and not is_first else _move(folder, kind, note)
    folder.mkdir(parents=True, exist_ok=True)
    noted = moved and {"task_id": moved.task_id, "folder": moved.folder, "names": moved.names}
    write_text(_note_file(folder, kind), json.dumps({"task_id": task_id, "moved": noted}))
    return moved


def take_over(folder: Path, kind: str, run_id: str, report: Report) -> None:
    """`claim` for a run that no task stands behind, where the folder is a task's."""
    note = _note(folder, kind)
    if note is None or note["task_id"] == run_id:
        return
    if moved := claim(folder, kind, run_id):
        report(RunEvent(message=f"'{folder}' held {moved}", level="WARNING"))


def results_folder(folder: Path, kind: str, task_id: str) -> Path | None:
    """Where the results of a task are whose output folder this is or was; None when it has left none."""
    note = _note(folder, kind)
    if note is None or note["task_id"] == task_id:  # without a note: from before there were any
        return folder
    moved = folder / PREVIOUS / task_id
    return moved if moved.is_dir() else None


def now_at(file: Path, kind: str) -> Path:
    """A result that a request names, which was moved when its run began."""
    note = None if file.exists() else _note(file.parent, kind)
    moved = note and _moved(note)
    return Path(moved.folder, file.name) if moved and file.name in moved.names else file


def relocated(value: Any, folder: Path, moved: Moved) -> Any:
    """A result with its paths in the folder changed to where the files are now."""
    paths = {str(folder / name): str(Path(moved.folder, name)) for name in moved.names}
    return _replaced(value, paths | {str(folder): moved.folder})


def _replaced(value: Any, paths: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return paths.get(value, value)
    if isinstance(value, dict):
        return {key: _replaced(item, paths) for key, item in value.items()}
    return value


def _move(folder: Path, kind: str, note: Mapping[str, Any] | None) -> Moved | None:
    """The note of the old owner goes last: until then a repeated call finishes what was interrupted."""
    files = _results(folder, kind)
    task_id = (note and note["task_id"]) or _time_of(files)
    target = folder / PREVIOUS / task_id
    if files:
        if any((target / file.name).exists() for file in files):  # an id that was used before
            target.rename(_free_name(target))
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            file.rename(target / file.name)
        write_text(_note_file(target, kind), json.dumps({"task_id": task_id, "moved": None}))
        flush_folder(folder)
    names = [file.name for file in _results(target, kind)]
    return Moved(task_id, str(target), names, is_new=True) if names else None


def _results(folder: Path, kind: str) -> list[Path]:
    return [folder / name for name in RESULT_FILES[kind] if (folder / name).exists()]


def _time_of(files: list[Path]) -> str:
    newest_s = max((file.stat().st_mtime for file in files), default=0.0)
    return datetime.fromtimestamp(newest_s, UTC).strftime("%Y%m%dT%H%M%SZ")


def _free_name(folder: Path) -> Path:
    number = 2
    while (free := folder.with_name(f"{folder.name}.{number}")).exists():
        number += 1
    return free


def _note_file(folder: Path, kind: str) -> Path:
    return folder / f".{kind}-task.json"


def _note(folder: Path, kind: str) -> dict[str, Any] | None:
    try:
        note = json.loads(_note_file(folder, kind).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) and isinstance(note.get("task_id"), str) else None


def _moved(note: Mapping[str, Any]) -> Moved | None:
    return Moved(**note["moved"]) if note.get("moved") else None
