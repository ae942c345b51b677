"""The files of a SQLite database: finds damage in them, replaces them, and copies them."""

import errno
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from rfuav_ray.errors import RfuavError
from rfuav_ray.files import flush_folder

UNFINISHED = "unfinished-"
#: of a moment in the name of a file
MOMENT = "%Y%m%dT%H%M%SZ"
#: the first bytes of a database
_MAGIC = b"SQLite format 3\0"
#: SQLite's errors for an undamaged file that it cannot use now
_NO_DAMAGE = (
    *("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM"),
    *("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM"),
)
#: those of them that are damage
_UNREADABLE = ("SQLITE_IOERR_READ", "SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_CORRUPTFS", "SQLITE_IOERR_DATA")
#: table -> its column with JSON
_JSON_COLUMNS = {"tasks": "record", "events": "entry", "settings": "value"}


def find_damage(file: Path) -> str | None:
    """Describe the damage to the file; None if it is undamaged or does not exist yet.

    Raises:
        RfuavError: The file cannot be opened, or another program holds it.
    """
    # Look before SQLite opens the files: it empties the write-ahead log of a file that has lost its content.
    log = _beside(file, "-wal")
    if not file.exists():
        has_log = log.exists() and log.stat().st_size
        return "the file is missing, but its write-ahead log exists" if has_log else None
    try:
        with file.open("rb") as opened:
            start = opened.read(len(_MAGIC))
    except OSError as error:
        if error.errno == errno.EIO:
            return str(error.strerror)
        raise RfuavError(
            f"The task store cannot be read: {error}. Allow the service to read and write it."
        ) from None
    if start != _MAGIC:
        return "file is not a database" if start else "the file is empty"
    try:
        with closing(sqlite3.connect(file)) as connection:
            return _check(connection)
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(_NO_DAMAGE) and name not in _UNREADABLE:
            raise RfuavError(f"The task store '{file}' cannot be opened: {error}.") from None
        return str(error)


def replace(file: Path, other: Path) -> Path:
    """Put `other` in the place of `file`, which gets a new name.

    An interrupted call can be repeated: `other` keeps its name until everything else is done.

    Returns:
        The new path of `file`.
    """
    # Not the time of this call: a repeated call must give the same name.
    moment = datetime.fromtimestamp(other.stat().st_mtime, UTC)
    old = _beside(file, f".damaged-{moment:{MOMENT}}")
    # Move the write-ahead log too: SQLite would write the pages of an old log into the new file.
    for suffix in ("-shm", "-wal", ""):
        if _beside(file, suffix).exists():
            _beside(file, suffix).rename(_beside(old, suffix))
    flush_folder(file.parent)
    other.rename(file)
    flush_folder(file.parent)
    return old


def copy_database(file: Path, target: Path) -> None:
    """Copy the database as it is at one moment. The copy is complete and on disk, or does not exist.

    Raises:
        RfuavError: The copy cannot be written.
    """
    unfinished = target.with_name(UNFINISHED + target.name)
    try:
        remove(unfinished)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as copy:
            # In one step, which reads one snapshot: with a write-ahead log, writers do not wait for readers. With
            # several steps, each write of another process in between would make the copy begin anew.
            source.backup(copy)
            # Without a write-ahead log the copy is a single file, which operators can move.
            copy.execute("PRAGMA journal_mode=DELETE")
        unfinished.rename(target)
        flush_folder(target.parent)
    except (sqlite3.Error, OSError) as error:
        remove(unfinished)
        raise RfuavError(
            f"'{file}' cannot be copied to '{target}': {error}. The folder must be writable and have "
            f"{file.stat().st_size / 1e6:.0f} MB free."
        ) from None


def remove(file: Path) -> None:
    """Delete a database, and what SQLite may have left beside it. Does nothing if there is none."""
    for path in (*beside(file), file):
        path.unlink(missing_ok=True)


def beside(file: Path) -> list[Path]:
    """The files that SQLite may have beside a database."""
    return [_beside(file, suffix) for suffix in ("-journal", "-shm", "-wal")]


def _check(connection: sqlite3.Connection) -> str | None:
    connection.text_factory = bytes
    (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if finding != b"ok":
        return " ".join(str(finding, errors="replace").split())
    # Pages have no checksums: only the text itself shows that it is damaged in the middle.
    tables = {
        name.decode() for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    for table, column in _JSON_COLUMNS.items():
        query = f"SELECT EXISTS (SELECT 1 FROM {table} WHERE NOT json_valid({column}))"
        if table in tables and connection.execute(query).fetchone()[0]:
            return f"some rows of the table {table} are not valid JSON"
    return None


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(file.name + suffix)
