"""Reads the committed pages of SQLite's write-ahead log. See https://www.sqlite.org/fileformat2.html#walformat."""

import struct
from pathlib import Path

_MAGIC = 0x377F0682
_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24


def committed_pages(path: Path) -> tuple[int, dict[int, bytes]]:
    """Read the newest committed content of each page in the log.

    Returns:
        The size of a page in bytes, and the pages by number; 0 and no pages if there is no valid log.
    """
    try:
        log = path.read_bytes()
    except OSError:
        return 0, {}
    if len(log) < _HEADER_BYTES:
        return 0, {}
    magic, _, page_bytes, _, *salts = struct.unpack_from(">6I", log)
    order = ">" if magic & 1 else "<"
    sums = _add(log[:24], (0, 0), order)
    if magic & ~1 != _MAGIC or sums != struct.unpack_from(">2I", log, 24):
        return 0, {}
    committed: dict[int, bytes] = {}
    waiting: dict[int, bytes] = {}
    step = _FRAME_HEADER_BYTES + page_bytes
    for at in range(_HEADER_BYTES, len(log) - step + 1, step):
        number, pages_after_commit, *frame_salts = struct.unpack_from(">4I", log, at)
        page = log[at + _FRAME_HEADER_BYTES : at + step]
        sums = _add(page, _add(log[at : at + 8], sums, order), order)
        # This frame and those after it are incomplete, or left over from an earlier use of the log.
        if frame_salts != salts or sums != struct.unpack_from(">2I", log, at + 16):
            break
        waiting[number] = page
        if pages_after_commit:
            committed.update(waiting)
            waiting.clear()
    return page_bytes, committed


def _add(data: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
