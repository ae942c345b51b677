"""Tables of text: two columns are I and Q; a time that ascends can stand before them."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from rfuav_ray.errors import RunError
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.signals.description import HIGHEST_RATE_HZ, Asked, Described, Note
from rfuav_ray.signals.formats.kept import once_per_version
from rfuav_ray.signals.formats.plain_text import kind_of_text
from rfuav_ray.signals.stored_samples import RTL_SDR_ZERO, Stored, check_file

SUFFIXES = frozenset({".csv"})

#: a table is loaded whole: about 30 million samples
_LARGEST_BYTES = 1_000_000_000
#: instruments write their settings above the table
_MOST_HEADER_LINES = 100
_LONGEST_LINE = 10_000
#: three columns of them take 1.2 GB
_MOST_LINES = 50_000_000
#: (separator, decimal comma); a blank stands for any number of blanks and tabs
_DIALECTS = ((",", False), (";", False), (";", True), ("\t", False), ("\t", True), (None, False), (None, True))
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3}
#: a sample may come this part of a sample period early or late
_LARGEST_JITTER = 0.5


class _Dialect(NamedTuple):
    separator: str | None
    has_decimal_comma: bool
    columns: int
    header: tuple[str, ...]


class _Table(NamedTuple):
    #: float32 (n, 2) or (n,)
    samples: Stored
    sample_rate_hz: float | None
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class CsvSamples:
    """The samples of a table."""

    path: Path
    sample_count: int
    is_complex: bool
    unsigned_zero: float = RTL_SDR_ZERO

    def stored(self, start: int, count: int) -> Stored:
        return _load(self.path, not self.is_complex).samples[start : start + count]


def describe(path: Path, asked: Asked) -> Described:
    """Describe a table. Raises RunError, with the number of the line, if it is none of I and Q."""
    check_file(path)
    table = _load(path, asked.is_real)
    samples = CsvSamples(path, len(table.samples), is_complex=table.samples.ndim == 2)
    return Described(samples, "float32", table.sample_rate_hz, notes=table.notes)


def is_counted(path: Path) -> bool:
    """Whether a walk over a folder counts this file: many tables are lists of labels or results."""
    try:
        return path.stat().st_size == 0 or _dialect(path).columns in {2, 3}
    except (OSError, RunError):
        return False


@once_per_version(files=2)  # threads may read the end of one recording and the beginning of the next
def _load(path: Path, is_real: bool) -> _Table:
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}.") from error
    if size_bytes > _LARGEST_BYTES:
        raise RunError(
            f"{path}: has {size_bytes / 1e9:.1f} GB; tables of up to {_LARGEST_BYTES / 1e9:.0f} GB are read. "
            "Save the samples as SigMF or .npy."
        )
    dialect = _dialect(path)
    numbers = _numbers(path, dialect)
    notes = []
    if dialect.header:
        lines = "line is" if len(dialect.header) == 1 else f"{len(dialect.header)} lines are"
        notes.append(Note(f"its first {lines} no numbers and taken for a header", "INFO"))
    rate_hz = None
    is_timed = dialect.columns == (2 if is_real else 3)
    if is_timed:
        rate_hz, found = _rate(path, numbers[:, 0], dialect.header)
        notes += found
        numbers = numbers[:, 1:]
    if numbers.shape[1] != (1 if is_real else 2):
        wanted = "one column, or time and one column" if is_real else "two columns (I, Q) or three (time, I, Q)"
        real = " If it is a real signal, set real to true." if dialect.columns == 1 else ""
        raise RunError(
            f"{path}: line {len(dialect.header) + 1} has {dialect.columns} columns; supported are {wanted}.{real}"
        )
    with np.errstate(over="ignore"):
        samples = np.ascontiguousarray(numbers, np.float32)
    return _Table(samples[:, 0] if is_real else samples, rate_hz, tuple(notes))


def _dialect(path: Path) -> _Dialect:
    """The separator, and the lines above the first line of numbers."""
    with _opened(path) as file:
        head = file.read(4096)
    if b"\0" in head and kind_of_text(head) is None:
        raise RunError(f"{path}: this is no text; name it as what it is.")
    header: list[str] = []
    with _lines(path) as lines:
        for line in islice(lines, _MOST_HEADER_LINES):
            for separator, has_decimal_comma in _DIALECTS:
                fields = _fields(line, separator, has_decimal_comma)
                if fields is not None and (len(fields) > 1 or separator is None):
                    return _Dialect(separator, has_decimal_comma, len(fields), tuple(header))
            header.append(line)
    raise RunError(
        f"{path}: line 1 is '{header[0].strip()[:40] if header else ''}', and no line of numbers follows; "
        "supported are two columns (I, Q) or three (time, I, Q) with comma, semicolon, tab or blank between them."
    )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with open_file(path) as file:
            yield file
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}.") from error


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    """The lines of a table. Reading one that is longer than a table's raises RunError."""
    with _opened(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace") as text:
        yield _bounded_lines(path, text)


def _bounded_lines(path: Path, text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise RunError(f"{path}: line {number} has more than {_LONGEST_LINE:,} characters; this is no table.")
        if number > _MOST_LINES:
            raise RunError(f"{path}: has more than {_MOST_LINES:,} lines. Save the samples as SigMF or .npy.")
        yield line


def _fields(line: str, separator: str | None, has_decimal_comma: bool) -> list[float] | None:
    try:
        texts = line.replace(",", ".") if has_decimal_comma else line
        return [float(text) for text in texts.strip().split(separator)] or None
    except ValueError:
        return None


def _numbers(path: Path, dialect: _Dialect) -> npt.NDArray[np.float64]:
    """All numbers, shape (n, columns). Raises RunError that names the first line that has others."""
    with _lines(path) as file:
        lines = islice(file, len(dialect.header), None)
        try:
            return np.loadtxt(
                (line.replace(",", ".") for line in lines) if dialect.has_decimal_comma else lines,
                delimiter=dialect.separator,
                comments=None,
                ndmin=2,
            )
        except ValueError:
            pass
    with _lines(path) as file:
        for number, line in enumerate(file, 1):
            if number <= len(dialect.header) or not line.strip():
                continue
            fields = _fields(line, dialect.separator, dialect.has_decimal_comma)
            if fields is None or len(fields) != dialect.columns:
                raise RunError(
                    f"{path}: line {number} is '{line.strip()[:60]}'; {dialect.columns} numbers were expected. "
                    "Correct it or remove it."
                )
    raise RunError(f"{path}: cannot be read as a table of numbers.")


def _rate(path: Path, times: npt.NDArray[np.float64], header: tuple[str, ...]) -> tuple[float | None, list[Note]]:
    """The sample rate from the column of times; None for mere numbers of samples."""
    steps = np.diff(times)
    if len(steps) == 0 or not np.isfinite(times).all() or (steps < 0).any() or times[-1] <= times[0]:
        line = len(header) + (2 + int(np.argmax(~(steps >= 0))) if len(steps) else 1)
        raise RunError(
            f"{path}: line {line}: the first of the columns must be a time that ascends; supported are two "
            "columns (I, Q) or three (time, I, Q)."
        )
    if (steps == 1).all():
        return None, [Note("its first column counts the samples and gives no sample rate", "INFO")]
    unit = re.search(r"(?<![a-zµ])(ns|us|µs|ms)(?![a-z])", " ".join(header[-1:]).lower().replace("μ", "µ"))
    period = (times[-1] - times[0]) / len(steps)
    rate_hz = 1 / (period * (_UNITS[unit[1]] if unit else 1.0))
    if not 0 < rate_hz <= HIGHEST_RATE_HZ:
        return None, [Note(f"its column of times gives {rate_hz:g} samples/s, which is no sample rate")]
    notes = [Note(f"its column of times gives {rate_hz:.10g} samples/s", "INFO")]
    uneven = np.abs(times - times[0] - period * np.arange(len(times))).max()
    # Times may be rounded, which shows as steps of 0 or of the last decimal.
    if uneven > max(_LARGEST_JITTER * period, np.min(steps[steps > 0])):
        notes.append(Note("its times are not evenly spaced; the samples are read as if they were"))
    return rate_hz, notes
