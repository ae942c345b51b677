"""The files of a SQLite database: finds damage in them, replaces them, and copies them."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from actors.store.sqlite_pages import MAGIC
from rfuav_ray.errors import RfuavError
from rfuav_ray.files import flush_folder

#: words in SQLite's errors for an undamaged file that it cannot use now
_NO_DAMAGE = ("locked", "unable to open", "readonly", "full")
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
            start = opened.read(len(MAGIC))
    except PermissionError as error:
        raise RfuavError(
            f"The task store cannot be read: {error}. Allow the service to read and write it."
        ) from None
    except OSError as error:
        return str(error.strerror)
    if start != MAGIC:
        return "file is not a database" if start else "the file is empty"
    try:
        with closing(sqlite3.connect(file)) as connection:
            return _check(connection)
    except sqlite3.Error as error:
        if any(words in str(error) for words in _NO_DAMAGE):
            raise RfuavError(f"The task store '{file}' cannot be opened: {error}.") from None
        return str(error)


def count_rows(file: Path) -> dict[str, int]:
    """The number of rows by table, without the tables that cannot be counted any more."""
    found: dict[str, int] = {}
    for table in _JSON_COLUMNS:
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
                (found[table],) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        except sqlite3.Error:
            continue
    return found


def replace(file: Path, other: Path) -> Path:
    """Put `other` in the place of `file`, which gets a new name.

    An interrupted call can be repeated: `other` keeps its name until everything else is done.

    Returns:
        The new path of `file`.
    """
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    old = _beside(file, f".damaged-{moment}")
    # Move the write-ahead log too: SQLite would write the pages of an old log into the new file.
    for suffix in ("-shm", "-wal", ""):
        if _beside(file, suffix).exists():
            _beside(file, suffix).rename(_beside(old, suffix))
    flush_folder(file.parent)
    other.rename(file)
    flush_folder(file.parent)
    return old


def copy_database(file: Path, target: Path) -> None:
    """Copy the database as it is at one moment. The copy is complete, or does not exist.

    Raises:
        RfuavError: The copy cannot be written.
    """
    unfinished = _beside(target, ".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as copy:
            source.backup(copy)
    except sqlite3.Error as error:
        unfinished.unlink(missing_ok=True)
        raise RfuavError(
            f"The task store must be copied to '{target}' before this release changes it, but the copy failed: "
            f"{error}. Free {file.stat().st_size / 1e6:.0f} MB in '{file.parent}'."
        ) from None
    unfinished.rename(target)
    flush_folder(target.parent)


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
