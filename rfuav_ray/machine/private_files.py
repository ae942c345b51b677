"""Folders and files that other users may neither read nor change. Knows nothing of their contents."""

import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path

from rfuav_ray.errors import RfuavError

OTHERS_MAY_WRITE = stat.S_IWOTH
GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO
ROOT = 0


def folder_problem(folder: Path, *, may_be_shared: bool = False) -> str | None:
    """Say why other users could change what the service keeps in a folder; None if they can't.

    Args:
        folder: The folder. It may be missing: then its parents are looked at.
        may_be_shared: It may be a folder like /tmp, where all users write, but nobody moves the files of others.
    """
    place = Path(os.path.abspath(folder))  # noqa: PTH100 - a link itself is looked at, too
    for name in dict.fromkeys((place, place.resolve())):
        if not os.path.lexists(name):
            continue
        found = name.lstat()
        if found.st_uid not in (ROOT, os.geteuid()):
            return f"'{name}' belongs to the user {_name(found.st_uid)}"
        if _is_open(found) and not (may_be_shared and found.st_mode & stat.S_ISVTX):
            return f"every user may write into '{name}'"
    for parent in dict.fromkeys((*place.parents, *place.resolve().parents)):
        if parent.exists() and _is_open(found := parent.stat()) and not found.st_mode & stat.S_ISVTX:
            return f"every user may replace '{folder}', because every user may write into '{parent}'"
    return None


def is_open_to_others(folder: Path) -> bool:
    """Whether other users can reach an own folder and write into it."""
    reachable = all(parent.stat().st_mode & stat.S_IXOTH for parent in (folder, *folder.parents))
    return reachable and bool(folder.stat().st_mode & OTHERS_MAY_WRITE)


def is_private_folder(folder: Path) -> bool:
    """Whether it is an own folder that nobody else may open. A link is none: another user may have made it."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & GROUP_AND_OTHERS


def check_folder(folder: Path, setting: str, *, may_be_shared: bool = False) -> None:
    """Raises RfuavError if other users could change what the service keeps in the folder; see `folder_problem`."""
    if problem := folder_problem(folder, may_be_shared=may_be_shared):
        raise RfuavError(
            f"{setting}: {problem}. What lies there could be read or replaced. Take the folder over (chown, "
            f"chmod o-w), or set {setting} to a folder of your own."
        )


def private_folder(folder: Path, setting: str) -> Path:
    """Create a folder that only its owner may open, or make an own folder so. Returns it.

    Args:
        folder: The folder.
        setting: The setting that an error names.

    Raises:
        RfuavError: It belongs to another user, or other users could replace it.
    """
    check_folder(folder, setting)
    try:
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    except OSError as error:
        raise RfuavError(f"{setting}: '{error.filename or folder}' cannot be created: {error.strerror}.") from None
    check_folder(folder, setting)  # another user may have been faster
    make_private(folder)
    return folder


def make_private(path: Path) -> None:
    """Take the rights of group and others from an own file or folder. What is missing or another's stays."""
    with suppress(OSError):
        found = path.stat()
        if found.st_uid == os.geteuid() and found.st_mode & GROUP_AND_OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~GROUP_AND_OTHERS)


def open_private(path: str, flags: int) -> int:
    """An `opener` for `open`: a new file is its owner's alone."""
    return os.open(path, flags, 0o600)


def _is_open(found: os.stat_result) -> bool:
    return bool(found.st_mode & OTHERS_MAY_WRITE) and not stat.S_ISLNK(found.st_mode)


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
