"""Reads rows from the pages of a damaged SQLite file, without SQLite, which stops at damaged pages.

The first byte of a page marks it as a leaf of a table. So the rows of a leaf are found even if the header, or the
pages that lead to the leaf, are lost. See https://www.sqlite.org/fileformat2.html.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from actors.store.sqlite_wal import committed_pages

Value = str | bytes | int | float | None

MAGIC = b"SQLite format 3\0"
DEFAULT_PAGE_BYTES = 4096
_HEADER_BYTES = 100
_TABLE_LEAF = 0x0D
#: serial type of an integer -> its size in bytes
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class SqlitePages:
    """The pages of a database file and of its write-ahead log. A page that the disk cannot read is empty."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        header = self._read(0, _HEADER_BYTES)
        wal_page_bytes, self._newer = committed_pages(path.with_name(f"{path.name}-wal"))
        self._page_bytes = wal_page_bytes or _page_bytes(header)
        in_file = -(-path.stat().st_size // self._page_bytes)
        self._page_count = max(in_file, *self._newer, 0)

    def close(self) -> None:
        self._file.close()

    def rows(self) -> Iterator[list[Value]]:
        """Every readable row of every table, in no particular order.

        Without the header, pages that SQLite has freed look like any others, so that deleted rows may be included.
        """
        free = self._free_pages()
        for number in range(1, self._page_count + 1):
            page = self._page(number)
            start = _HEADER_BYTES if number == 1 else 0
            if number in free or len(page) < self._page_bytes or page[start] != _TABLE_LEAF:
                continue
            cell_count = min(_uint16(page, start + 3), self._page_bytes // 2 - start)
            for at in range(start + 8, min(start + 8 + 2 * cell_count, self._page_bytes - 1), 2):
                try:
                    yield _values(self._payload(page, _uint16(page, at)))
                except (ValueError, IndexError, struct.error):
                    continue

    def _payload(self, page: bytes, at: int) -> bytes:
        """The payload of a cell: the part in the page itself, then the parts in its chain of overflow pages."""
        size, at = _varint(page, at)
        _, at = _varint(page, at)
        if size > self._page_count * self._page_bytes:
            raise ValueError("longer than the file")
        usable = self._page_bytes
        local = size
        if size > usable - 35:
            least = (usable - 12) * 32 // 255 - 23
            local = least + (size - least) % (usable - 4)
            local = local if local <= usable - 35 else least
        parts = [page[at : at + local]]
        missing = size - local
        following = struct.unpack_from(">I", page, at + local)[0] if missing else 0
        while missing > 0:
            overflow = self._page(following)
            following = struct.unpack_from(">I", overflow)[0]
            parts.append(overflow[4 : 4 + missing])
            missing -= usable - 4
        return b"".join(parts)

    def _free_pages(self) -> set[int]:
        free: set[int] = set()
        first = self._page(1)
        trunk = struct.unpack_from(">I", first, 32)[0] if first.startswith(MAGIC) else 0
        while trunk and trunk not in free and len(page := self._page(trunk)) == self._page_bytes:
            free.add(trunk)
            trunk, count = struct.unpack_from(">II", page)
            if count <= self._page_bytes // 4 - 2:
                free.update(struct.unpack_from(f">{count}I", page, 8))
        return free

    def _page(self, number: int) -> bytes:
        if number in self._newer:
            return self._newer[number]
        return self._read((number - 1) * self._page_bytes, self._page_bytes) if number else b""

    def _read(self, offset: int, size: int) -> bytes:
        try:
            self._file.seek(offset)
            return self._file.read(size) or b""
        except OSError:
            return b""


def _page_bytes(header: bytes) -> int:
    stated = struct.unpack(">H", header[16:18])[0] if header.startswith(MAGIC) and len(header) > 17 else 0
    # 1 means 65536, which does not fit into two bytes.
    stated = 65536 if stated == 1 else stated
    return stated if stated in {2**power for power in range(9, 17)} else DEFAULT_PAGE_BYTES


def _values(record: bytes) -> list[Value]:
    """The values of one row. Raises ValueError, IndexError or struct.error for bytes that are not a record."""
    header_bytes, at = _varint(record, 0)
    place = header_bytes
    values: list[Value] = []
    while at < header_bytes:
        serial, at = _varint(record, at)
        value, place = _value(record, place, serial)
        values.append(value)
    if at != header_bytes or place != len(record):
        raise ValueError("no record")
    return values


def _value(record: bytes, at: int, serial: int) -> tuple[Value, int]:
    if serial == 0:
        return None, at
    if serial in {8, 9}:
        return serial - 8, at
    if serial == 7:
        return struct.unpack_from(">d", record, at)[0], at + 8
    size = _INTEGERS[serial] if serial in _INTEGERS else (serial - 12) // 2
    data = record[at : at + size]
    if len(data) < size or serial in {10, 11}:
        raise ValueError("no record")
    if serial in _INTEGERS:
        return int.from_bytes(data, "big", signed=True), at + size
    return data.decode() if serial % 2 else data, at + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(at, at + 8):
        byte = data[index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, index + 1
    return value << 8 | data[at + 8], at + 9


def _uint16(page: bytes, at: int) -> int:
    return page[at] << 8 | page[at + 1]
