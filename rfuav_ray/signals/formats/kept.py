"""Keeps what was found in a file for as long as the file stays as it is."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TypeVar, TypeVarTuple

from rfuav_ray.files import FileVersion, version_of

Found = TypeVar("Found")
Others = TypeVarTuple("Others")


def once_per_version(
    *, files: int
) -> Callable[[Callable[[Path, *Others], Found]], Callable[[Path, *Others], Found]]:
    """Keep what a function found in a file, for so many files, until they are changed or replaced.

    The first argument of the function is the file. The others must be hashable.
    """

    def decorate(find: Callable[[Path, *Others], Found]) -> Callable[[Path, *Others], Found]:
        @lru_cache(maxsize=files)
        def kept(_version: FileVersion, path: Path, *others: *Others) -> Found:
            return find(path, *others)

        # Threads that read one file must not all look for the same at once.
        lock = Lock()

        def found_in(path: Path, *others: *Others) -> Found:
            with lock:
                return kept(version_of(path), path, *others)

        return found_in

    return decorate
