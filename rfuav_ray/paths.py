"""Checks of the paths in requests: each path is resolved and must lie below one of the roots (DATA_ROOTS)."""

import os
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from rfuav_ray.errors import InvalidInput, PathNotAllowed
from rfuav_ray.events import clean, one_line
from rfuav_ray.file_access.roots import is_private
from rfuav_ray.files import is_text
from rfuav_ray.foreign_paths import refuse_foreign
from rfuav_ray.objects.urls import plain_path, refuse_credentials

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

#: bytes of the longest path that a run writes in its folder: an earlier task's file in previous/<task id>/
RESULTS_ROOM_BYTES = 128


def resolve(text: str, roots: Sequence[Path], *, field: str) -> Path:
    """Resolve a path of a request: absolute, links followed. A relative path starts at the first root.

    Raises:
        PathNotAllowed: The path lies outside all roots, or is the service's own.
        InvalidInput: The path cannot be resolved, or is not UTF-8 and so cannot be stored in the task's record.
    """
    refuse_credentials(text, field)
    text = plain_path(text, field)
    try:
        given = roots[0] / _with_own_home(text)
        path = given.resolve()
    except ValueError:  # a NUL, or half of a surrogate pair
        raise InvalidInput(
            field, f"'{one_line(text)}' has a character that no path can have; remove it."
        ) from None
    except (OSError, RuntimeError):  # a loop of links
        # Outside of the roots, every path gets one answer: it must not tell what is there.
        path = Path(os.path.normpath(given))
        if any(path.is_relative_to(root) for root in roots):
            raise InvalidInput(
                field, f"'{one_line(text)}' cannot be resolved: its links lead in a circle."
            ) from None
    if not any(path.is_relative_to(root) for root in roots):
        allowed = ", ".join(str(root) for root in roots)
        raise PathNotAllowed(
            field, f"'{text}' is outside the folders this service may use ({allowed}). See DATA_ROOTS."
        )
    if is_private(path):
        raise PathNotAllowed(field, f"'{text}' belongs to the service itself (STATE_DIR, API_KEYS_FILE, .env).")
    refuse_foreign(given, text, field=field)
    if not is_text(str(path)):
        raise InvalidInput(field, f"'{text}' leads to '{clean(str(path))}', whose name is not UTF-8; rename it.")
    return path


def _with_own_home(text: str) -> Path:
    """`~` is the own home folder. `~name` is a name of a file: an answer must not tell which users exist."""
    return Path(text).expanduser() if text == "~" or text.startswith("~/") else Path(text)


def refuses_lost_files(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Let a check of a request raise InvalidInput when a file or folder is lost in the middle of it."""

    @wraps(function)
    def call(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except OSError as error:
            what = f"'{clean(os.fsdecode(error.filename))}'" if error.filename else "a file"
            reason = f"{what} cannot be used: {error.strerror}. If it is being changed, try again."
            raise InvalidInput("body", reason) from error

    return call


def existing_file(text: str, roots: Sequence[Path], *, field: str) -> Path:
    path = resolve(text, roots, field=field)
    if not _stat_ok(path, field):
        raise InvalidInput(field, f"there is no file '{path}'.")
    if path.is_dir():
        raise InvalidInput(field, f"'{path}' is a folder, not a file.")
    _check_readable(path, field)
    return path


def existing(text: str, roots: Sequence[Path], *, field: str) -> Path:
    """Resolve the path of an existing, readable file or folder. Raises PathNotAllowed or InvalidInput."""
    path = resolve(text, roots, field=field)
    if not _stat_ok(path, field):
        raise InvalidInput(field, f"there is no file or folder '{path}'.")
    _check_readable(path, field)
    return path


def output_folder(text: str, roots: Sequence[Path], *, field: str, room_bytes: int = 0) -> Path:
    """Resolve the path of a folder that exists or can be created.

    Args:
        text: The path as the client sent it.
        roots: Folders that the service may use.
        field: The field of the request.
        room_bytes: The length of the longest path, relative to the folder, that will be written in it.

    Raises:
        PathNotAllowed: The path lies outside all roots.
        InvalidInput: There cannot be such a folder, or not with such files.
    """
    path = resolve(text, roots, field=field)
    for parent in (path, *path.parents):
        if _stat_ok(parent, field):
            if not parent.is_dir():
                raise InvalidInput(field, f"'{path}' cannot be a folder: '{parent}' is a file.")
            if not _is_writable(parent):
                raise InvalidInput(field, f"'{path}' cannot be written: no permission in '{parent}'.")
            _check_length(path, parent, field, room_bytes)
            break
    return path


def results_folder(save_path: str, name: str | None, roots: Sequence[Path]) -> tuple[Path, Path]:
    """Return the resolved `save_path`, and the folder that the run writes. Raises as `output_folder`."""
    base = output_folder(save_path, roots, field="save_path", room_bytes=RESULTS_ROOM_BYTES)
    if name is None:
        return base, base
    return base, output_folder(str(base / name), roots, field="name", room_bytes=RESULTS_ROOM_BYTES)


def _check_length(path: Path, existing: Path, field: str, room_bytes: int) -> None:
    """Refuse what the file system refuses only when the folders are made."""
    # The kernel looks at a name only when the folder that holds it exists.
    most_in_name = os.pathconf(existing, "PC_NAME_MAX")
    for name in path.relative_to(existing).parts:
        if len(os.fsencode(name)) > most_in_name:
            raise InvalidInput(
                field,
                f"the name '{one_line(name, 40)}' has {len(os.fsencode(name))} bytes; at most {most_in_name} are "
                "possible. Choose a shorter one.",
            )
    length, most = len(os.fsencode(path)), os.pathconf(existing, "PC_PATH_MAX") - 1
    if length + room_bytes > most:
        raise InvalidInput(
            field,
            f"'{one_line(str(path), 40)}' has {length} bytes, and the files in it need up to {room_bytes} more; "
            f"at most {most} are possible. Choose a shorter path.",
        )


def _stat_ok(path: Path, field: str) -> bool:
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        return False
    except OSError as error:  # for example a name that is too long, or a parent folder without permission
        raise InvalidInput(field, f"'{path}' cannot be used: {error.strerror}.") from None
    return True


def _check_readable(path: Path, field: str) -> None:
    try:
        if path.is_dir():
            next(path.iterdir(), None)
        elif path.is_file():
            path.open("rb").close()
        else:  # opening a named pipe would block until another process writes to it
            raise InvalidInput(field, f"'{path}' is neither a file nor a folder.")
    except OSError as error:
        raise InvalidInput(field, f"'{path}' cannot be read: {error.strerror}.") from None


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)
