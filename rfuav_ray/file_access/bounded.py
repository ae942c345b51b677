"""A file that gives a bounded number of bytes, for libraries that believe the sizes that a file states."""

import io
from typing import BinaryIO

from typing_extensions import override


class BoundedReads(io.RawIOBase):
    """An open file from which `most_bytes` can be read in all, repeated ones counted again.

    A read of more raises ValueError before it takes memory.
    """

    def __init__(self, file: BinaryIO, most_bytes: int) -> None:
        self._file = file
        self._left = self._most = most_bytes
        at = file.tell()
        self._size = file.seek(0, io.SEEK_END)
        file.seek(at)

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        wanted = self._left + 1 if size is None or size < 0 else size
        # A library may ask for more than there is.
        there = max(0, self._size - self._file.tell())
        if min(wanted, there) > self._left:
            raise ValueError(f"its header states more than {self._most // 1_000_000} MB")
        content = self._file.read(min(wanted, there))
        self._left -= len(content)
        return content

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    @override
    def tell(self) -> int:
        return self._file.tell()

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True
