"""Opens regular files for reading, and looks where they lie when they are open: no swap comes in between."""

import errno
import os
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from rfuav_ray.file_access.roots import DESCRIPTORS, place_of, require_inside, roots_of_process

#: Opening a named pipe must not wait for its other end.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


def open_file(path: Path, *, largest_bytes: int | None = None) -> BufferedReader:
    """Open a regular file for reading.

    Args:
        path: The file. Links are followed if they lead below the roots.
        largest_bytes: A larger file is refused. None: the caller reads it in parts.

    Raises:
        OutsideRoots: It lies outside of the roots.
        OSError: It cannot be opened, is no regular file, or is too large.
    """
    descriptor = os.open(path, _FLAGS)
    try:
        status = os.fstat(descriptor)
        # First: nothing is said about a file outside.
        if roots_of_process():
            require_inside(place_of(descriptor, path), path)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", os.fspath(path))
        if largest_bytes is not None and status.st_size > largest_bytes:
            raise too_large(path, status.st_size, largest_bytes)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        with suppress(OSError):
            os.close(descriptor)
        raise


def read_file(path: Path, *, largest_bytes: int) -> bytes:
    """The content of a file of at most so many bytes. Raises OSError as `open_file`."""
    with open_file(path, largest_bytes=largest_bytes) as file:
        # A read of more takes the memory of all of it first.
        content = file.read(min(os.fstat(file.fileno()).st_size, largest_bytes) + 1)
    if len(content) > largest_bytes:  # it grew, or does not state its size
        raise too_large(path, len(content), largest_bytes)
    return content


def check_file_access(path: Path) -> None:
    """Raise OSError as `open_file` for a file that a library will open by its name."""
    open_file(path).close()


def name_of_open(file: BinaryIO, path: Path) -> str:
    """A name for a library that takes only names: it leads to the open file, whatever `path` leads to by now."""
    name = f"{DESCRIPTORS}/{file.fileno()}"
    return name if roots_of_process() and os.path.exists(name) else str(path)  # noqa: PTH110


def too_large(path: Path, size_bytes: int, largest_bytes: int) -> OSError:
    """The error for a file that is too large to be read."""
    what = f"it is larger than {_size(largest_bytes)} ({size_bytes:,} bytes)"
    return OSError(errno.EFBIG, what, str(path))


def _size(count: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:.4g} {name}"
    return f"{count} bytes"
