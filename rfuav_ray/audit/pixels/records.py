"""The records of the images, in a hidden file. An interrupted audit resumes after the last one."""

import hashlib
import os
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from rfuav_ray.audit.pixels.hashes import FLAT, READ, RECORD, UNREADABLE
from rfuav_ray.errors import RunInterrupted
from rfuav_ray.file_access.folders import make_folder, open_to_append

#: changes when records become different ones
VERSION = b"1"
#: the file begins with the digest of the work, as hexadecimal digits
_HEADER_BYTES = 64
#: records read at once
_CHUNK = 4096


class Records:
    """One record for each image, in their order. The context manager keeps them only after an interruption.

    Each `run_id` has its own file. Only a later run with the same id reads it.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        digest = hashlib.sha256(run_id.encode("utf-8", "backslashreplace")).hexdigest()[:16]
        # Without an id the run cannot be identified later, so its file gets a random name.
        self.path = folder / (f".audit-{digest}.bin" if run_id else f".{uuid.uuid4().hex}.tmp.bin")
        self._file: BinaryIO | None = None
        self.count = 0

    def __enter__(self) -> "Records":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            with suppress(OSError):  # a full disk, which `add` has reported
                self._file.close()
        is_to_stay = isinstance(error, RunInterrupted) or not isinstance(error, Exception | None)
        if not is_to_stay:
            with suppress(OSError):
                self.path.unlink()

    def begin(self, work: str, *, resume: bool) -> bool:
        """Open the file. Returns whether there were records of other work, which are dropped.

        Args:
            work: A digest of the images; see `work_digest`.
            resume: Keep the records of an earlier run of the same work.
        """
        make_folder(self.path.parent)
        self._file = open_to_append(self.path)
        size = self._file.seek(0, os.SEEK_END)
        is_same = resume and self._read(0, _HEADER_BYTES) == work.encode()
        if not is_same:
            self._file.truncate(0)
            self._file.write(work.encode())
        else:
            # A killed run may have left a part of a record.
            self.count = (size - _HEADER_BYTES) // RECORD.itemsize
            # A power cut may have left records of zeros.
            damaged = np.flatnonzero(~np.isin(self.column("state"), (READ, FLAT, UNREADABLE)))
            self.count = int(damaged[0]) if len(damaged) else self.count
            self._file.truncate(_HEADER_BYTES + self.count * RECORD.itemsize)
        self._file.flush()
        return resume and size > 0 and not is_same

    def add(self, record: npt.NDArray[Any]) -> None:
        assert self._file is not None
        self._file.write(record.tobytes())
        self.count += 1

    def flush(self) -> None:
        """Let later readers and runs see what was added."""
        assert self._file is not None
        self._file.flush()

    def column(self, name: str) -> npt.NDArray[Any]:
        """One field of all records."""
        # Copies: a field of the rows that were read would keep all of them in memory.
        chunks = [
            self.rows(range(first, min(first + _CHUNK, self.count)))[name].copy()
            for first in range(0, self.count, _CHUNK)
        ]
        return np.concatenate(chunks) if chunks else np.zeros(0, RECORD[name])

    def rows(self, numbers: Sequence[int]) -> npt.NDArray[Any]:
        """Some records. They are read from the file, which a memory map would keep in memory."""
        if isinstance(numbers, range) and numbers.step == 1 and numbers:
            content = self._read(_offset(numbers[0]), len(numbers) * RECORD.itemsize)
        else:
            content = b"".join(self._read(_offset(number), RECORD.itemsize) for number in numbers)
        return np.frombuffer(content, RECORD)

    def _read(self, offset: int, count: int) -> bytes:
        assert self._file is not None
        return os.pread(self._file.fileno(), count, offset)


def work_digest(images: Sequence[Path], tell: Callable[[], None] = lambda: None) -> str:
    """A digest of the names, sizes and times of the images. `tell` is called for each, and may raise."""
    digest = hashlib.sha256(VERSION)
    for path in images:
        tell()
        try:
            status = os.stat(path)  # noqa: PTH116  # a Path takes longer
            version = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:  # it was deleted meanwhile, and counts as unreadable
            version = ""
        digest.update(os.fsencode(path) + f"\0{version}\0".encode())
    return digest.hexdigest()


def _offset(number: int) -> int:
    return _HEADER_BYTES + int(number) * RECORD.itemsize
