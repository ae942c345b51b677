"""How much a .mat file of version 5 to 7 holds, before scipy loads it: what is stated, and what is unpacked.

A structure can hold any number of others, which scipy lists nowhere. The file is walked through as scipy does, by
the format "MAT-File Level 5". Nothing of it is kept.
"""

import io
import math
import struct
import zlib
from collections.abc import Callable
from typing import BinaryIO

_HEADER_BYTES, _BYTE_ORDER_AT = 128, 126
_MATRIX, _PACKED = 14, 15
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17
_NUMBERS = range(6, 16)
_IS_COMPLEX = 0x800
#: the largest that a file can have
_VALUE_BYTES = 16
_MAX_DEPTH = 20
_MAX_DIMENSIONS = 32
_PART_BYTES, _PACKED_BYTES = 2**20, 2**16
#: each takes a Python object, and microseconds here
_MOST_MATRICES = 100_000

Read = Callable[[int], bytes]


def check_sizes(file: BinaryIO, most: int) -> None:
    """Check all variables of a file, and what they hold. Those of version 4 hold no others.

    Args:
        file: A .mat file which is no HDF5.
        most: How many values there may be in all. Each may have 16 bytes in the file.

    Raises:
        ValueError: There are more, or the file is damaged.
    """
    file.seek(0)
    header = file.read(_HEADER_BYTES)
    if 0 in header[:4]:  # version 4
        return
    order = "<" if header[_BYTE_ORDER_AT:] == b"IM" else ">"
    walk = _Walk(order, most)
    while len(tag := file.read(8)) == 8:
        kind, size = struct.unpack(f"{order}II", tag)
        end = file.tell() + size
        walk.variable(_Unpacked(file, size).read if kind == _PACKED else file.read, kind)
        file.seek(end)


class _Unpacked:
    """The content of a compressed element, unpacked in parts."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size
        self._stream = zlib.decompressobj()
        self._ready = io.BytesIO()

    def read(self, count: int) -> bytes:
        """The next bytes, fewer at the end. Raises ValueError for damaged ones."""
        found = self._ready.read(count)
        while len(found) < count and not self._stream.eof:
            packed = self._stream.unconsumed_tail
            if not packed:
                packed = self._file.read(min(self._left, _PACKED_BYTES))
                self._left -= len(packed)
                if not packed:
                    break
            try:
                self._ready = io.BytesIO(self._stream.decompress(packed, _PART_BYTES))
            except zlib.error as error:
                raise ValueError(str(error)) from error
            found += self._ready.read(count - len(found))
        return found


class _Walk:
    def __init__(self, order: str, most: int) -> None:
        self._order = order
        self._values, self._bytes, self._matrices_left = most, most * _VALUE_BYTES, _MOST_MATRICES
        self._read: Read = lambda _count: b""

    def variable(self, read: Read, kind: int) -> None:
        self._read = read
        if kind == _PACKED:
            kind, _ = self._numbers(2, "I")
        if kind != _MATRIX:
            raise ValueError(f"it has an element of the kind {kind}")
        self._matrix(0)

    def _matrix(self, depth: int) -> None:
        """What follows the tag of a matrix."""
        if depth > _MAX_DEPTH:
            raise ValueError(f"it is nested deeper than {_MAX_DEPTH} levels")
        _, _, flags, _ = self._numbers(4, "I")
        kind = flags & 0xFF
        if kind == _OPAQUE:  # such as MATLAB's string: three names in the place of the dimensions
            self._contents(3)
            self._matrices(1, depth)
            return
        shape = self._content(4 * _MAX_DIMENSIONS)
        count = math.prod(abs(length) for (length,) in struct.iter_unpack(f"{self._order}i", shape))
        self._content()  # the name
        self._count(1 if kind == _SPARSE else count)
        is_complex = bool(flags & _IS_COMPLEX)
        if kind in _NUMBERS or kind == _CHAR:
            self._contents(1 + is_complex)
        elif kind == _SPARSE:
            self._contents(3 + is_complex)
        elif kind == _CELL:
            self._matrices(count, depth)
        elif kind in {_STRUCT, _OBJECT}:
            self._contents(kind == _OBJECT)  # the name of the class
            (longest,) = struct.unpack(f"{self._order}i", self._content(4))
            names = self._content(_PART_BYTES)
            if longest <= 0:
                raise ValueError("a structure has names without a length")
            fields = len(names) // longest
            self._count(count * fields)
            self._matrices(count * fields, depth)
        elif kind == _FUNCTION:
            self._matrices(1, depth)
        else:
            raise ValueError(f"it has a variable of the class {kind}, which cannot be read")

    def _matrices(self, count: int, depth: int) -> None:
        self._matrices_left -= count
        if self._matrices_left < 0:
            raise ValueError(f"it has more than {_MOST_MATRICES:,} arrays")
        for _ in range(count):
            kind, size = self._numbers(2, "I")
            if kind != _MATRIX:
                raise ValueError(f"it has an element of the kind {kind} in the place of a matrix")
            if size:  # else it is empty
                self._matrix(depth + 1)

    def _count(self, values: int) -> None:
        self._values -= values
        if self._values < 0:
            raise ValueError("it has too many values; save it with `save -v7.3`, which is read in parts")

    def _contents(self, count: int) -> None:
        for _ in range(count):
            self._content()

    def _content(self, kept_bytes: int = 0) -> bytes:
        """Read an element that holds no others. Returns its content, if it has at most so many bytes."""
        tag = self._numbers(1, "I")[0]
        if small := tag >> 16:
            return self._exactly(4)[:small]
        (size,) = self._numbers(1, "I")
        self._bytes -= size
        if self._bytes < 0:
            raise ValueError("it unpacks to too many bytes; save it with `save -v7.3`, which is read in parts")
        if size <= kept_bytes:
            return self._exactly(size + -size % 8)[:size]
        if kept_bytes:
            raise ValueError("its dimensions or names are too long")
        left = size + -size % 8
        while left:
            left -= len(self._exactly(min(left, _PART_BYTES)))
        return b""

    def _numbers(self, count: int, form: str) -> tuple[int, ...]:
        return struct.unpack(f"{self._order}{count}{form}", self._exactly(4 * count))

    def _exactly(self, count: int) -> bytes:
        found = self._read(count)
        if len(found) < count:
            raise ValueError("it is cut off")
        return found
