"""Memory that images and activations have left, kept for the next ones.

They are megabytes each. The C library gives a piece of that size back to the system when it is freed, and gets it
anew, page by page and zeroed, a moment later: an eighth to a third of the time of a run on a CPU.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Of malloc.h. What is free at the heap's end stays, however much; the heap grows by so much more than is needed;
# no piece is a mapping of its own (in other threads than the main one those of more than 64 MiB still are).
_M_TRIM_THRESHOLD, _NEVER = -1, -1
_M_TOP_PAD, _PAD_BYTES = -2, 64 * 2**20
_M_MMAP_MAX, _NONE = -4, 0


def keep_freed_memory() -> None:
    """From now on, for the whole process. Does nothing where the C library is not glibc."""
    if libc := _glibc():
        libc.mallopt(_M_MMAP_MAX, _NONE)
        libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
        libc.mallopt(_M_TOP_PAD, _PAD_BYTES)


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Like `keep_freed_memory`; at the end of the block the system gets back what is free.

    Not what is free at the end of other threads' heaps, of at most 64 MiB each: they find it there the next time.
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
