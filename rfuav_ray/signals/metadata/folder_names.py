"""What is known of a folder by its names, found once for its thousands of recordings."""

import os
import time
from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

#: A folder that changed more recently may change again without a new time: clocks of file systems tick coarsely.
_SETTLED_NS = 100_000_000
#: files that are written anew in place do not change the time of their folder
_KEPT_S = 10


def once_per_folder(find: Callable[[Path], Found]) -> Callable[[Path], Found]:
    """Keep what `find` found in a folder for some seconds, or until a name is added or removed there."""

    @lru_cache(maxsize=64)
    def kept(folder: Path, _changed_ns: int, _period: float) -> Found:
        return find(folder)

    @wraps(find)
    def found_in(folder: Path) -> Found:
        try:
            changed_ns = folder.stat().st_mtime_ns
        except OSError:  # `find` meets it, too
            return find(folder)
        is_settled = not 0 <= time.time_ns() - changed_ns < _SETTLED_NS
        return kept(folder, changed_ns, time.monotonic() // _KEPT_S) if is_settled else find(folder)

    return found_in


@once_per_folder
def names_in(folder: Path) -> tuple[str, ...]:
    """Sorted names of the files and folders in a folder, without hidden ones. Empty if it cannot be read."""
    try:
        return tuple(sorted(name for name in os.listdir(folder) if not name.startswith(".")))  # noqa: PTH208
    except OSError:
        return ()
