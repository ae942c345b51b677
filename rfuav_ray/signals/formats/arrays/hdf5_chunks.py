"""Refuses chunks of HDF5 files that would become huge in memory: the library reads and unpacks them whole."""

import math
import zlib
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

#: of one chunk, as the file states it; HDF5 itself allows 4 GB
_LARGEST_BYTES = 64_000_000
#: What a chunk may take in memory. A packed one can become larger than the file states, without an error.
_LARGEST_UNPACKED_BYTES = 256_000_000
_DEFLATE = 1
#: how much larger unpacking makes a chunk at most, by the number of the filter: deflate, LZF
_GROWTH = {_DEFLATE: 1032, 32000: 132}
#: what a single number may take: it is read before a task starts
_NUMBER_BYTES, _PACKED_NUMBER_BYTES = 1_000_000, 64_000


def is_small(data_set: Any) -> bool:
    """Whether a data set of one number takes little memory, however it is stored."""
    if data_set.chunks is None:
        return True
    is_packed_small = data_set.id.get_storage_size() <= _PACKED_NUMBER_BYTES
    return _chunk_bytes(data_set) <= _NUMBER_BYTES and is_packed_small and len(_packers(data_set)) <= 1


def check_stored(data_set: Any) -> None:
    """Raise ValueError if the parts of a data set cannot be read in bounded memory."""
    if data_set.chunks is None:
        return
    if (size := _chunk_bytes(data_set)) > _LARGEST_BYTES:
        raise ValueError(f"its chunks have {size:,} bytes; write it with chunks of at most {_LARGEST_BYTES:,}")
    if len(_packers(data_set)) > 1:
        raise ValueError("it is compressed twice")


def check_chunks(data_set: Any, wanted: Sequence[slice]) -> None:
    """Raise ValueError if one of the chunks with these values would become larger than the file states."""
    check_stored(data_set)
    packers = _packers(data_set)
    if data_set.chunks is None or not packers:
        return
    for place in _places(data_set, wanted):
        stored_bytes = data_set.id.get_chunk_info_by_coord(place).size
        if stored_bytes * _GROWTH[packers[0]] > _LARGEST_UNPACKED_BYTES and not (
            packers == [_DEFLATE] and _is_as_stated(data_set, place)
        ):
            raise ValueError(f"the chunk at {place} is larger than it may be; write it with smaller chunks")


def _is_as_stated(data_set: Any, place: tuple[int, ...]) -> bool:
    skipped, packed = data_set.id.read_direct_chunk(place)
    if skipped:
        return False
    try:
        return len(zlib.decompressobj().decompress(packed, _chunk_bytes(data_set) + 1)) <= _chunk_bytes(data_set)
    except zlib.error as error:
        raise ValueError(f"the chunk at {place} is damaged") from error


def _places(data_set: Any, wanted: Sequence[slice]) -> Iterator[tuple[int, ...]]:
    """Where the chunks begin that hold these values."""
    ranges = []
    for part, length, chunk in zip(wanted, data_set.shape, data_set.chunks, strict=True):
        start, stop, _ = part.indices(length)
        ranges.append(range(start // chunk * chunk, stop, chunk))
    return product(*ranges)


def _chunk_bytes(data_set: Any) -> int:
    return int(math.prod(data_set.chunks) * data_set.dtype.itemsize)


def _packers(data_set: Any) -> list[int]:
    """The filters that compress, by their numbers."""
    settings = data_set.id.get_create_plist()
    numbers = [settings.get_filter(index)[0] for index in range(settings.get_nfilters())]
    return [number for number in numbers if number in _GROWTH]
