"""Finds files with the same bytes in several parts, and reads as little of them as it can."""

import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from rfuav_ray.audit.pace import Pace
from rfuav_ray.audit.parts import Part
from rfuav_ray.events import Report
from rfuav_ray.file_access.limits import MAX_IMAGE_BYTES
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.files import content_digest

#: from the end of a file: a PNG's checksum of all pixels, or a JPEG's last code, which depends on all others
TAIL_BYTES = 64

#: the number of a part, and a file in it
File = tuple[int, Path]


def same_bytes(parts: Sequence[Part], report: Report) -> list[list[File]]:
    """Find the groups of files with the same bytes that are in several parts; with a single part, all groups.

    Only files of the same size are opened, and only those with the same end are read.

    Args:
        parts: A file that cannot be read has no duplicate.
        report: Called several times a second. It may raise.
    """
    files: Iterable[File] = ((number, path) for number, part in enumerate(parts) for path, _ in part.images)
    groups = [list(files)]
    fewest = min(2, len(parts))
    for key in (_size, _tail, content_digest):
        groups = [same for some in groups for same in _alike(some, key, report) if _parts_of(same) >= fewest]
    return groups


def _parts_of(files: Sequence[File]) -> int:
    return len({number for number, _ in files})


def _alike(files: Sequence[File], key: Callable[[Path], Hashable], report: Report) -> list[list[File]]:
    """Divide the files by key. Leaves out single files, and those whose key is empty."""
    pace = Pace(report)
    groups: defaultdict[Hashable, list[File]] = defaultdict(list)
    for file in files:
        pace()
        groups[key(file[1])].append(file)
    return [some for each, some in groups.items() if each and len(some) > 1]


def _size(path: Path) -> int:
    with suppress(OSError):
        return os.stat(path).st_size  # noqa: PTH116  # a Path takes longer
    return 0


def _tail(path: Path) -> bytes:
    with suppress(OSError), open_file(path, largest_bytes=MAX_IMAGE_BYTES) as file:
        file.seek(-min(TAIL_BYTES, os.fstat(file.fileno()).st_size), os.SEEK_END)
        return file.read(TAIL_BYTES)
    return b""
