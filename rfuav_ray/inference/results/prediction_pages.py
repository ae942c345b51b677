"""Pages of predictions. A page is read by position, so its time and memory do not depend on the number of rows.

`predictions.index` has the position at which each row of `predictions.jsonl` begins, and the end of the last one.
Each takes the same number of bytes, so that a row's number says where its position is.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from rfuav_ray.api.results import Prediction
from rfuav_ray.errors import TaskConflict
from rfuav_ray.file_access.json_text import parse_json
from rfuav_ray.file_access.limits import MAX_PAGE_BYTES
from rfuav_ray.file_access.reading import open_file, read_file
from rfuav_ray.outputs.artifacts import JSONL_INDEX

_ENTRY_BYTES = 8
_UNFIT = "it was changed and does not fit its index. Start the inference again."

Rows = list[Prediction]


def index_entry(position: int) -> bytes:
    """Return an entry of the index."""
    return position.to_bytes(_ENTRY_BYTES, "little")


def read_page(
    jsonl_file: Path, offset: int, limit: int, *, index_name: str = JSONL_INDEX
) -> tuple[int, list[Any]]:
    """Read `limit` rows from row `offset` on; fewer at the end of the file.

    Returns:
        The number of all rows, and the rows of the page.

    Raises:
        TaskConflict: The file or its index is missing, cannot be read, or was changed.
    """
    with (
        _explaining(jsonl_file),
        open_file(jsonl_file) as lines,
        open_file(jsonl_file.with_name(index_name)) as index,
    ):
        total = os.fstat(index.fileno()).st_size // _ENTRY_BYTES - 1
        if total < 0 or _position(index, total) != os.fstat(lines.fileno()).st_size:
            raise ValueError(_UNFIT)
        first, end = min(offset, total), min(offset + limit, total)
        start, size = _position(index, first), _position(index, end) - _position(index, first)
        if not 0 <= size <= MAX_PAGE_BYTES:
            raise ValueError(
                f"the page has {size} bytes, and at most {MAX_PAGE_BYTES} are read. Ask for fewer rows."
            )
        lines.seek(start)
        text = lines.read(size)
        rows = [parse_json(line) for line in text.splitlines()]
        if len(rows) != end - first:
            raise ValueError(_UNFIT)
        return total, rows


def read_json(json_file: Path) -> tuple[str, Rows]:
    """Read a whole `predictions.json`: versions up to 0.2 wrote no `predictions.jsonl`.

    Returns:
        The name of the model, and all rows.

    Raises:
        TaskConflict: The file is missing or cannot be read.
    """
    with _explaining(json_file):
        content = parse_json(read_file(json_file, largest_bytes=MAX_PAGE_BYTES))
        return content["model"], content["predictions"]


def _position(index: BinaryIO, number: int) -> int:
    index.seek(number * _ENTRY_BYTES)
    return int.from_bytes(index.read(_ENTRY_BYTES), "little")


@contextmanager
def _explaining(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        missing = error.filename or path
        raise TaskConflict(f"'{missing}' is missing: it was moved or deleted after the task ended.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TaskConflict(f"'{path}' cannot be read: {error}") from None
