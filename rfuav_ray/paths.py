"""Checks of the paths in requests: each path is resolved and must lie below one of the roots (DATA_ROOTS)."""

import os
from collections.abc import Sequence
from pathlib import Path

from rfuav_ray.errors import InvalidInput, PathNotAllowed
from rfuav_ray.events import clean
from rfuav_ray.files import is_text


def resolve(text: str, roots: Sequence[Path], *, field: str) -> Path:
    """Resolve a path of a request: absolute, links followed. A relative path starts at the first root.

    Raises:
        PathNotAllowed: The path lies outside all roots.
        InvalidInput: The path cannot be resolved, or is not UTF-8 and so cannot be stored in the task's record.
    """
    try:
        path = (roots[0] / Path(text).expanduser()).resolve()
    except (OSError, RuntimeError) as error:  # a loop of links, or `~user` of an unknown user
        raise InvalidInput(field, f"'{text}' cannot be resolved: {error}") from None
    if not any(path.is_relative_to(root) for root in roots):
        allowed = ", ".join(str(root) for root in roots)
        raise PathNotAllowed(
            field, f"'{text}' is outside the folders this service may use ({allowed}). See DATA_ROOTS."
        )
    if not is_text(str(path)):
        raise InvalidInput(field, f"'{text}' leads to '{clean(str(path))}', whose name is not UTF-8; rename it.")
    return path


def existing_file(text: str, roots: Sequence[Path], *, field: str) -> Path:
    path = resolve(text, roots, field=field)
    if not _stat_ok(path, field):
        raise InvalidInput(field, f"there is no file '{path}'.")
    if not path.is_file():
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


def output_folder(text: str, roots: Sequence[Path], *, field: str) -> Path:
    """Resolve the path of a folder that exists or can be created. Raises PathNotAllowed or InvalidInput."""
    path = resolve(text, roots, field=field)
    for parent in (path, *path.parents):
        if _stat_ok(parent, field):
            if not parent.is_dir():
                raise InvalidInput(field, f"'{path}' cannot be a folder: '{parent}' is a file.")
            if not _is_writable(parent):
                raise InvalidInput(field, f"'{path}' cannot be written: no permission in '{parent}'.")
            break
    return path


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
