"""The chunks of a WAV file: RIFF, RIFX (big-endian), RF64 and BW64 (over 4 GB), and Sony's W64."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.signals.formats.first_bytes import unlike

_ORDERS: dict[bytes, Literal["<", ">"]] = {b"RIFF": "<", b"RF64": "<", b"BW64": "<", b"RIFX": ">"}
#: W64 writes each name as a GUID that begins with the name, in lower case for the first one
_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
#: the size of a chunk that a program never completed, or that `ds64` states
_UNKNOWN_SIZES = frozenset({0, 0xFFFFFFFF})
#: of `fmt `, `auxi` and `ds64`
_LARGEST_HEADER_BYTES = 65_536
#: A file of samples has a few chunks; more means that the sizes are damaged.
_MOST_CHUNKS = 10_000


@dataclass(frozen=True)
class Chunks:
    """The chunks that matter. Missing ones are empty."""

    byte_order: Literal["<", ">"]
    fmt: bytes
    auxi: bytes
    #: of the data, in the file
    offset_bytes: int
    #: what the header says; None: it was never completed
    stated_bytes: int | None
    #: what is there
    size_bytes: int


def read_chunks(path: Path) -> Chunks:
    """Find the chunks of a WAV file. Raises RunError if it is none, or lacks `fmt ` or `data`."""
    headers: dict[bytes, bytes] = {}
    data: tuple[int, int | None] | None = None
    with open_file(path) as file:
        total_bytes = os.fstat(file.fileno()).st_size
        start = file.read(40)
        if start.startswith(_W64):
            order, walk = _ORDERS[b"RIFF"], _w64(file, total_bytes)
        elif start[:4] in _ORDERS and start[8:12] == b"WAVE":
            order = _ORDERS[start[:4]]
            walk = _riff(file, order, total_bytes)
        else:
            raise unlike(path, "a WAV file")
        for name, offset, size in walk:
            if name == b"data" and data is None:
                data = offset, size
            elif name in {b"fmt ", b"auxi"} and name not in headers:
                file.seek(offset)
                headers[name] = file.read(min(size or 0, _LARGEST_HEADER_BYTES))
    for name in (b"fmt ", b"data"):
        if (name == b"data" and data is None) or (name == b"fmt " and name not in headers):
            raise RunError(f"{path}: the WAV file has no chunk '{name.decode()}'; write it again.")
    assert data is not None
    offset, stated = data
    there = max(0, total_bytes - offset)
    size = there if stated is None else min(stated, there)
    return Chunks(order, headers[b"fmt "], headers.get(b"auxi", b""), offset, stated, size)


def _riff(file: BinaryIO, order: str, total_bytes: int) -> Iterator[tuple[bytes, int, int | None]]:
    """(name, offset of the content, size) of each chunk. The size of data is None if it was never completed."""
    at, data_size = 12, None
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        name, size = head[:4], struct.unpack(f"{order}I", head[4:])[0]
        at += 8
        if name == b"ds64" and size >= 16:
            data_size = struct.unpack("<8xQ", file.read(16))[0]
        if name == b"data" and size in _UNKNOWN_SIZES:
            size = data_size or None
        # The size of more than 4 GB of data does not fit. No chunks of that length follow it.
        if name == b"data" and size is not None and total_bytes - at - size >= 2**32:
            size = None
        yield name, at, size
        if size is None:
            return  # the rest of the file is data
        at += size + size % 2
        if at >= total_bytes:
            return


def _w64(file: BinaryIO, total_bytes: int) -> Iterator[tuple[bytes, int, int | None]]:
    at = 40
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(24)
        if len(head) < 24:
            return
        name, size = head[:4], struct.unpack("<Q", head[16:])[0]
        is_open = name == b"data" and (size <= 24 or size >= 2**63)
        yield name, at + 24, None if is_open else max(0, size - 24)
        at += -(-max(size, 24) // 8) * 8  # the size includes the head; chunks begin at multiples of 8
        if is_open or at >= total_bytes:
            return
