"""Finding images, and writing files so that nobody ever sees half of one."""

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})
#: the names that `replacing` gives
TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp(\.[^.]*)?")


#: inode, size in bytes, and time of the last change in nanoseconds
FileVersion = tuple[int, int, int]


def version_of(path: Path) -> FileVersion:
    """Another one when the file was changed or replaced; zeros when it is gone, which reading it will say."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_ino, status.st_size, status.st_mtime_ns


def is_image(path: Path) -> bool:
    """Whether the name says image (png, jpg, jpeg, bmp in any case) and it is no hidden file."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def is_text(name: str) -> bool:
    """Whether a file's name is UTF-8, so that JSON can hold it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def walk_images(folder: Path) -> Iterator[Path]:
    """All images below `folder`. Linked folders are not entered, so a loop of links ends."""
    for parent, folder_names, file_names in os.walk(folder):
        folder_names[:] = [name for name in folder_names if not name.startswith(".")]
        yield from (path for name in file_names if is_image(path := Path(parent, name)))


def find_images(folder: Path) -> list[Path]:
    """All images below `folder`, sorted by path."""
    return sorted(walk_images(folder))


@contextmanager
def replacing(path: Path, *, flush: bool = True) -> Iterator[Path]:
    """Give a temporary path beside `path`; what was written there takes its place when the block ends well.

    Without `flush` a power cut may leave a part of it: whoever writes many files flushes them together.
    An OSError that was met in writing names `path`, which the writing itself does not know.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays: libraries choose the format by it. The rest is short, as the path's own name may be long,
    # and chance, as processes on other machines may have this one's number.
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp{path.suffix}")
    try:
        yield temporary
        if flush:
            with temporary.open("rb", buffering=0) as written:
                os.fsync(written.fileno())
        temporary.replace(path)
        if flush:
            flush_folder(path.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and _is_about(error, temporary):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def flush_folder(folder: Path) -> None:
    """A new name lasts through a power cut only when its folder is on the disk too."""
    with suppress(OSError):  # file systems that cannot flush a folder keep its names in their own way
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_about(error: OSError, temporary: Path) -> bool:
    """A full disk is met by `write`, whose error names no file, or by a copy, whose error names two."""
    if error.errno is None:
        return False
    return error.filename is None or str(temporary) in {str(error.filename), str(error.filename2)}


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def copy_file(source: Path, target: Path) -> None:
    """Copy the bytes of a file, whole or not at all; not flushed to the disk."""
    with replacing(target, flush=False) as temporary:
        shutil.copyfile(source, temporary)


def remove_temporaries(folder: Path, *, and_below: bool = False) -> None:
    """Remove what killed processes were writing with `replacing` in the folder."""
    for parent, folder_names, file_names in os.walk(folder):
        if not and_below:
            folder_names.clear()
        for name in file_names:
            if TEMPORARY.fullmatch(name):
                Path(parent, name).unlink(missing_ok=True)
