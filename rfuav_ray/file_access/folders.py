"""Opens and makes folders for writing. A folder that is open stays the same, even if its path becomes a link."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from rfuav_ray.file_access.roots import (
    DESCRIPTORS,
    OutsideRoots,
    place_of,
    require_inside,
    roots_of_process,
)

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def open_folder(path: Path, *, create: bool = False) -> Iterator[Path]:
    """A block with a name of the folder that always leads to this folder.

    Args:
        path: The folder. Links are followed if they lead below the roots.
        create: Make it, and the folders around it, where they are missing.

    Raises:
        OutsideRoots: It lies outside of the roots. Nothing was made.
        OSError: It cannot be opened or made.
    """
    if not roots_of_process():
        if create:
            path.mkdir(parents=True, exist_ok=True)
        yield path
        return
    descriptor = _opened(path, create=create)
    try:
        name = Path(DESCRIPTORS, str(descriptor))
        yield name if name.exists() else path
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder and those around it where they are missing. Raises as `open_folder`."""
    with open_folder(path, create=True):
        pass


def check_folder(path: Path) -> None:
    """Raise as `open_folder` if a folder cannot be used."""
    with open_folder(path):
        pass


def open_to_append(path: Path, *, create: bool = True) -> BinaryIO:
    """Open a file for reading and appending. A link in its place is not followed.

    Args:
        path: The file.
        create: Make it if it is missing.

    Raises:
        OutsideRoots: Its folder lies outside of the roots.
        OSError: It cannot be opened, or is a link.
    """
    with open_folder(path.parent) as folder:
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.fdopen(os.open(folder / path.name, flags | (os.O_CREAT if create else 0), 0o666), "a+b")


def remove_file(path: Path) -> None:
    """Delete a file, or a link, if it is there. Raises as `open_folder`."""
    with suppress(FileNotFoundError, NotADirectoryError), open_folder(path.parent) as folder:
        (folder / path.name).unlink(missing_ok=True)


def _opened(path: Path, *, create: bool) -> int:
    """The descriptor of the folder. What is missing is made in the open parent, so no link can come in between."""
    missing: list[str] = []
    existing = path
    try:
        while True:
            try:
                descriptor = os.open(existing, _FLAGS)
                break
            except FileNotFoundError:
                if not create or existing == existing.parent:
                    raise
                missing.insert(0, existing.name)
                existing = existing.parent
        try:
            require_inside("/".join([place_of(descriptor, existing).rstrip("/"), *missing]), path)
            for name in missing:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=descriptor)
                inner = _below(name, descriptor, path)
                os.close(descriptor)
                descriptor = inner
            return descriptor
        except BaseException:
            os.close(descriptor)
            raise
    except OutsideRoots:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _below(name: str, parent: int, path: Path) -> int:
    try:
        return os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR} and os.path.islink(f"{DESCRIPTORS}/{parent}/{name}"):  # noqa: PTH114
            raise OutsideRoots(errno.ELOOP, "a link leads nowhere, or out of DATA_ROOTS", str(path)) from None
        raise
