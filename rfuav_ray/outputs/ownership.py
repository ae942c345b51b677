"""Ownership of output folders. Clients reuse folders, so the results of an earlier task are moved.

A request may choose otherwise: `on_existing`.

A hidden note file for each kind of task names the owner of the folder. The results of earlier tasks are in
`previous/<id>/`. Does not import torch, and knows nothing of tasks but their ids.
"""

import errno
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.requests.fields import OnExisting
from rfuav_ray.errors import TaskConflict
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.file_access.folders import make_folder, open_folder, remove_file
from rfuav_ray.file_access.json_text import parse_json
from rfuav_ray.file_access.limits import MAX_NOTE_BYTES
from rfuav_ray.file_access.reading import read_file
from rfuav_ray.files import flush_folder, write_text
from rfuav_ray.outputs.added_files import add_files, added_files, is_below, list_file
from rfuav_ray.wording import some

PREVIOUS = "previous"


@dataclass(frozen=True)
class MovedResults:
    """Results that were moved out of an output folder."""

    #: the task that wrote them; a timestamp if no note names it
    task_id: str
    #: the new location
    folder: str
    names: list[str]
    #: whether this call of `claim` moved them, not an earlier one
    is_new: bool = False
    #: whether they were deleted there
    is_deleted: bool = False

    def __str__(self) -> str:
        what = "deleted" if self.is_deleted else f"moved to '{self.folder}'"
        return f"results of '{self.task_id}'. They were {what}: {clean(some(self.names))}."


def claim(
    folder: Path, kind: str, task_id: str, *, is_first: bool = True, on_existing: OnExisting = "keep"
) -> MovedResults | None:
    """Make the task the owner of the folder, and move the results of another task to `previous/<id>/`.

    Args:
        folder: The output folder. It is created when missing.
        kind: The kind of task; each kind has its own owner.
        task_id: The new owner.
        is_first: Whether this is the first run of the task. Then all results in the folder belong to another task,
            even under the same id. A later run treats results without a note as its own: versions without notes
            wrote them.
        on_existing: What happens to results of another task; see the requests.

    Returns:
        The results that were moved or deleted, if any. A later run of the task gets the same answer again.

    Raises:
        TaskConflict: There are results of another task, and `on_existing` is `refuse`. Or there are those of
            another kind of task, see `other_kind_in`. Nothing was changed.
        OSError: The folder or its files cannot be read or written.
    """
    note = _note(folder, kind)
    if not is_first and note is not None and note["task_id"] == task_id:
        moved = _moved(note, folder)
    else:
        _refuse_other_kinds(folder, kind)
        is_others = is_first or note is not None
        found = results_in(folder, kind) if is_others else None
        if found is not None and on_existing == "refuse":
            raise refusal(folder, *found)
        moved = _move(folder, kind, note) if is_others else None
        # Without results here, those of an earlier task with the same id may be there, which stay.
        if moved is not None and on_existing == "overwrite" and (found is not None or not is_first):
            moved = replace(moved, is_deleted=True)
        make_folder(folder)
        noted = moved and {key: value for key, value in vars(moved).items() if key != "is_new"}
        write_text(_note_file(folder, kind), json.dumps({"task_id": task_id, "moved": noted}))
    if moved is not None and moved.is_deleted:
        _refuse_links(folder, Path(moved.folder))
        # They were moved first: a repeated call completes an interrupted one, and deletes nothing new.
        _delete(moved, kind)
    return moved


def claim_without_task(
    folder: Path, kind: str, run_id: str, report: Report, on_existing: OnExisting = "keep"
) -> None:
    """Claim a folder that another task owns, for a run that no task has claimed it for (`rfuav train --local`).

    Does nothing when the run already owns the folder. Results without an owner are left to the caller, which
    replaces them.

    Raises:
        TaskConflict: As `claim`.
    """
    note = _note(folder, kind)
    if note is not None and note["task_id"] == run_id:
        return
    _refuse_other_kinds(folder, kind)
    if on_existing == "refuse" and (found := results_in(folder, kind)):
        raise refusal(folder, *found)
    if note is None:
        return
    if moved := claim(folder, kind, run_id, on_existing=on_existing):
        report(RunEvent(message=f"'{folder}' contained {moved}", level="WARNING"))


def results_in(folder: Path, kind: str) -> tuple[str | None, list[str]] | None:
    """Return the owner and the names of the results in the folder; None if there are none."""
    note, names = _note(folder, kind), [str(file.relative_to(folder)) for file in _results(folder, kind)]
    return (None if note is None else note["task_id"], names) if names else None


def other_kind_in(folder: Path, kind: str) -> str:
    """Why a task of this kind must not write into the folder: there are results with names of its own files.

    A training and an evaluation both write report.json: one would move or replace that of the other.

    Returns:
        A sentence; empty if there are no such results.
    """
    own = set(KINDS[kind].files)
    for other in KINDS.values():
        theirs = set(other.files)
        if other.name == kind or not own & theirs:
            continue
        if found := sorted(name for name in theirs - own if os.path.lexists(folder / name)):
            shared = sorted(own & theirs)[0]
            return (
                f"'{folder}' holds {found[0]} of another task ({other.name}), which writes {shared}, too. Choose "
                "another folder."
            )
    return ""


def refusal(folder: Path, owner: str | None, names: Sequence[str]) -> TaskConflict:
    """Return the error for a task with `on_existing: refuse` that finds these results."""
    whose = f" of '{owner}'" if owner else ""
    return TaskConflict(
        f"'{folder}' holds results{whose}, and on_existing is 'refuse': {clean(some(names))}. Choose another "
        "folder, or on_existing 'keep' or 'overwrite'."
    )


def results_folder(folder: Path, kind: str, task_id: str) -> Path | None:
    """Return where the results of a task are now, given the folder it wrote to. None when there are none."""
    note = _note(folder, kind)
    if note is None or note["task_id"] == task_id:  # a version without notes wrote a folder without one
        return folder
    moved = folder / PREVIOUS / task_id
    return moved if moved.is_dir() else None


def current_path(file: Path, kind: str) -> Path:
    """Return the current path of a result that a request names. The start of the run may have moved it."""
    note = None if file.exists() else _note(file.parent, kind)
    moved = note and _moved(note, file.parent)
    return Path(moved.folder, file.name) if moved and file.name in moved.names else file


def with_new_paths(value: Any, folder: Path, moved: MovedResults) -> Any:
    """Return a copy of a task's result in which paths in the folder point to the new location of the files."""
    paths = {str(folder / name): str(Path(moved.folder, name)) for name in moved.names}
    return _replaced(value, paths | {str(folder): moved.folder})


def _replaced(value: Any, paths: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return paths.get(value, value)
    if isinstance(value, dict):
        return {key: _replaced(item, paths) for key, item in value.items()}
    return value


def _refuse_other_kinds(folder: Path, kind: str) -> None:
    if why := other_kind_in(folder, kind):
        raise TaskConflict(why)


def _move(folder: Path, kind: str, note: Mapping[str, Any] | None) -> MovedResults | None:
    """Move the results. `claim` replaces the note afterwards, so a repeated call completes an interrupted one."""
    files = _results(folder, kind)
    task_id = (note and note["task_id"]) or _time_of(files)
    target = folder / PREVIOUS / task_id
    _refuse_links(folder, target)
    if files:
        names = [str(file.relative_to(folder)) for file in files]
        if any(os.path.lexists(target / name) for name in names):  # an earlier task had the same id
            with open_folder(target.parent) as previous:
                (previous / task_id).rename(previous / _free_name(target).name)
        make_folder(target)
        if added := added_files(folder, kind):
            add_files(target, kind, added)
        for name in names:
            _rename(folder / name, target / name)
        write_text(_note_file(target, kind), json.dumps({"task_id": task_id, "moved": None}))
        flush_folder(folder)
    remove_file(list_file(folder, kind))
    names = [str(file.relative_to(target)) for file in _results(target, kind)]
    return MovedResults(task_id, str(target), names, is_new=True) if names else None


def _delete(moved: MovedResults, kind: str) -> None:
    folder = Path(moved.folder)
    for name in (*moved.names, _note_file(folder, kind).name, list_file(folder, kind).name):
        with suppress(FileNotFoundError), open_folder((folder / name).parent) as around:
            file = around / Path(name).name
            if file.is_dir() and not file.is_symlink():
                shutil.rmtree(file)
            file.unlink(missing_ok=True)
    for emptied in (folder, folder.parent):
        with suppress(OSError), open_folder(emptied.parent) as around:  # it holds results of other tasks
            (around / emptied.name).rmdir()


def _rename(file: Path, target: Path) -> None:
    with open_folder(file.parent) as source, open_folder(target.parent, create=True) as goal:
        (source / file.name).rename(goal / target.name)


def _results(folder: Path, kind: str) -> list[Path]:
    names = (*KINDS[kind].files, *added_files(folder, kind))
    return [folder / name for name in names if os.path.lexists(folder / name)]


def _time_of(files: list[Path]) -> str:
    newest_s = max((file.lstat().st_mtime for file in files), default=0.0)
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
        note = parse_json(read_file(_note_file(folder, kind), largest_bytes=MAX_NOTE_BYTES))
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) and _is_id(note.get("task_id")) else None


def _moved(note: Mapping[str, Any], folder: Path) -> MovedResults | None:
    """What a note says of moved results. It lies where others may write: what they could not be is left out."""
    moved = note.get("moved")
    if not isinstance(moved, dict) or not moved.get("task_id") or not _is_id(moved["task_id"]):
        return None
    target = folder / PREVIOUS / moved["task_id"]
    stated = moved.get("names")
    names = [name for name in stated if is_below(target, name)] if isinstance(stated, list) else []
    is_deleted = moved.get("is_deleted") is True
    return MovedResults(moved["task_id"], str(target), names, is_deleted=is_deleted) if names else None


def _is_id(task_id: object) -> bool:
    """Whether it can be an id: the name of a folder in this one. Runs without a task may have none."""
    return isinstance(task_id, str) and task_id not in {".", ".."} and not {"/", "\0"} & set(task_id)


def _refuse_links(folder: Path, target: Path) -> None:
    """Raise OSError if `previous/` or the folder of a task in it is a link: files would be moved elsewhere."""
    for path in (folder / PREVIOUS, target):
        if path.is_symlink():
            raise OSError(errno.ELOOP, "it is a link, and results would be moved there: remove it", str(path))
