"""Knowing images by their names, and writing files atomically: readers never see a partial file."""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import mmh3

from rfuav_ray.file_access.folders import open_folder
from rfuav_ray.file_access.reading import open_file

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
#: the suffixes as messages name them
IMAGE_KINDS = ", ".join(suffix.removeprefix(".") for suffix in IMAGE_SUFFIXES)
#: file names that `replacing` generates
TEMPORARY = re.compile(r"\.[0-9a-f]{32}\.tmp(\.[^.]*)?")
#: read at once for a digest: few system calls, and small enough for the processor's cache
_PART_BYTES = 2**18

#: inode, size in bytes, and modification time in nanoseconds
FileVersion = tuple[int, int, int]


def version_of(path: Path) -> FileVersion:
    """Return a value that changes when the file is modified or replaced.

    A missing file gives zeros instead of an error: the caller that reads it reports the error.
    """
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_ino, status.st_size, status.st_mtime_ns


def content_digest(path: Path, *, largest_bytes: int | None = None) -> str:
    """A digest of a file's content; empty if it cannot be read, is not a file, or is larger than `largest_bytes`.

    MurmurHash3 tells contents apart as SHA-256 does, in a fifth of the time, but not if somebody forges them.
    """
    digest = mmh3.mmh3_x64_128()
    try:
        with open_file(path, largest_bytes=largest_bytes) as file:
            while part := file.read(_PART_BYTES):
                digest.update(part)
    except OSError:
        return ""
    return digest.digest().hex()


def is_image(path: Path) -> bool:
    """Whether the file name has an image suffix (in upper or lower case) and is not hidden."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def is_text(name: str) -> bool:
    """Whether the file name is valid UTF-8. JSON cannot hold any other name."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def replacing(path: Path, *, flush: bool = True) -> Iterator[Path]:
    """Write a file atomically: the block writes to a temporary file, which then replaces `path`.

    A link at `path` is replaced, not followed. The folder stays the same if its path becomes a link meanwhile.

    Args:
        path: The final file. Its folder is created when missing. It must lie below the roots.
        flush: Sync the file and its folder to disk. Without it a power failure may leave a partial file. Callers
            that write many files pass False and flush them together.

    Yields:
        A temporary path in the same folder. It replaces `path` when the block succeeds, and is deleted otherwise.

    Raises:
        OSError: Writing failed. The error names `path` instead of the temporary file.
    """
    # Keep the suffix, because libraries derive the file format from it. Drop the stem, because it may be close to
    # the limit for file names. Use a random name, because process ids are not unique across machines.
    name = f".{uuid.uuid4().hex}.tmp{path.suffix}"
    with open_folder(path.parent, create=True) as folder:
        temporary = folder / name
        try:
            yield temporary
            if flush:
                with temporary.open("rb", buffering=0) as written:
                    os.fsync(written.fileno())
            temporary.replace(folder / path.name)
            if flush:
                flush_folder(folder)
        except BaseException as error:
            temporary.unlink(missing_ok=True)
            if isinstance(error, OSError) and _is_about(error, temporary):
                raise OSError(error.errno, error.strerror, str(path)) from error
            raise


def flush_folder(folder: Path) -> None:
    """Sync a folder to disk. Without it a power failure may lose the names of new files in it."""
    with suppress(OSError):  # file systems that cannot sync a folder keep its names in their own way
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_about(error: OSError, temporary: Path) -> bool:
    """Whether the error concerns the temporary file. On a full disk `write` names no file, a copy two."""
    if error.errno is None:
        return False
    return error.filename is None or str(temporary) in {str(error.filename), str(error.filename2)}


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_content(path: Path, content: bytes | memoryview) -> None:
    """Write `content` atomically, without a flush to disk."""
    with replacing(path, flush=False) as temporary:
        temporary.write_bytes(content)


def remove_temporaries(folder: Path, *, and_below: bool = False) -> None:
    """Delete temporary files in the folder that killed processes left behind in `replacing`."""
    for parent, folder_names, file_names in os.walk(folder):
        if not and_below:
            folder_names.clear()
        for name in file_names:
            if TEMPORARY.fullmatch(name):
                Path(parent, name).unlink(missing_ok=True)
