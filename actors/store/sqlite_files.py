"""The files of a SQLite database: looking at them for damage, and putting others in their place."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from actors.store.sqlite_pages import MAGIC
from rfuav_ray.errors import RfuavError
from rfuav_ray.files import flush_folder

#: what SQLite says of a sound file that it cannot use now
_NO_DAMAGE = ("locked", "unable to open", "readonly", "full")
#: table -> its column of JSON
_JSON_COLUMNS = {"tasks": "record", "events": "entry", "settings": "value"}


def find_damage(file: Path) -> str | None:
    """What is wrong with the file; None for a sound one, and where there is none yet.

    Raises RfuavError for a file that cannot be opened, or that another program holds.
    """
    # Before SQLite sees them: it empties the log of a file that has lost its content.
    log = _beside(file, "-wal")
    if not file.exists():
        return "it is gone, its write-ahead log is there" if log.exists() and log.stat().st_size else None
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
        return "file is not a database" if start else "it is empty"
    try:
        with closing(sqlite3.connect(file)) as connection:
            return _check(connection)
    except sqlite3.Error as error:
        if any(words in str(error) for words in _NO_DAMAGE):
            raise RfuavError(f"The task store '{file}' cannot be opened: {error}.") from None
        return str(error)


def count_rows(file: Path) -> dict[str, int]:
    """Of those tables whose number of rows can still be told."""
    found: dict[str, int] = {}
    for table in _JSON_COLUMNS:
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
                (found[table],) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        except sqlite3.Error:
            continue
    return found


def replace(file: Path, other: Path) -> Path:
    """Put `other` in the file's place, and say where the file is now.

    May be repeated after it was interrupted: `other` keeps its name until all else is done.
    """
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    old = _beside(file, f".damaged-{moment}")
    # The log with its file: SQLite would write an old log's pages into the new one.
    for suffix in ("-shm", "-wal", ""):
        if _beside(file, suffix).exists():
            _beside(file, suffix).rename(_beside(old, suffix))
    flush_folder(file.parent)
    other.rename(file)
    flush_folder(file.parent)
    return old


def copy_database(file: Path, target: Path) -> None:
    """A copy of a moment, whole or not at all. Raises RfuavError where it cannot be written."""
    unfinished = _beside(target, ".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as copy:
            source.backup(copy)
    except sqlite3.Error as error:
        unfinished.unlink(missing_ok=True)
        raise RfuavError(
            f"The copy '{target}' cannot be made, which is kept of the task store when a new release changes it: "
            f"{error}. Make room in '{file.parent}' for another {file.stat().st_size / 1e6:.0f} MB."
        ) from None
    unfinished.rename(target)
    flush_folder(target.parent)


def _check(connection: sqlite3.Connection) -> str | None:
    connection.text_factory = bytes
    (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if finding != b"ok":
        return " ".join(str(finding, errors="replace").split())
    # Pages have no checksums: in the middle of a text damage shows by the text alone.
    tables = {
        name.decode() for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    for table, column in _JSON_COLUMNS.items():
        query = f"SELECT EXISTS (SELECT 1 FROM {table} WHERE NOT json_valid({column}))"
        if table in tables and connection.execute(query).fetchone()[0]:
            return f"not all of its {table} are JSON"
    return None


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(file.name + suffix)
