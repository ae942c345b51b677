"""Settings of glibc's malloc that keep freed memory in the process.

Images and activations take megabytes each. By default glibc returns freed blocks of this size to the system. The
next allocation gets them back page by page, zeroed. This takes an eighth to a third of the time of a CPU run.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of mallopt, from malloc.h. Never trim free memory at the end of the heap. Grow the heap by 64 MiB more
# than needed. Never use mmap for a block (threads other than the main one still do above 64 MiB).
_M_TRIM_THRESHOLD, _NEVER = -1, -1
_M_TOP_PAD, _PAD_BYTES = -2, 64 * 2**20
_M_MMAP_MAX, _NONE = -4, 0


def keep_freed_memory() -> None:
    """Keep freed memory from now on, in the whole process. Does nothing without glibc."""
    if libc := _glibc():
        libc.mallopt(_M_MMAP_MAX, _NONE)
        libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
        libc.mallopt(_M_TOP_PAD, _PAD_BYTES)


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep freed memory as `keep_freed_memory` does, and return free memory to the system at the end of the block.

    Free memory at the end of the heaps of other threads stays, at most 64 MiB each. These threads reuse it later.
    """
    keep_freed_memory()
    try:
        yield
    finally:
        if libc := _glibc():
            libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
