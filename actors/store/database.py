"""Connections to SQLite and PostgreSQL, and their errors in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from rfuav_ray.errors import RfuavError, ServiceBusy

CONNECT_TIMEOUT_S = 5
#: how long a write waits for the write of another process
BUSY_TIMEOUT_MS = 30_000
RETRY_AFTER_S = 5
SHOWN_REASON_CHARS = 300

_FORMS = "sqlite:////folder/rfuav.db or postgresql+psycopg://user:password@host/database"
#: errors that only a bug in the program causes
_BUGS = (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError, sa.exc.NotSupportedError)
_NOT_ALLOWED = "42501"
#: SQLSTATE classes of a server that stops, starts or cannot be reached
_AWAY = ("08", "57P")
#: words in SQLite's error -> advice to the operator
_ADVICE = {
    "full": "Free some space in '{folder}'.",
    "locked": "Another program has locked '{file}'. Stop that program.",
    "readonly": "Allow the service to write in '{folder}'.",
    "unable to open": "Allow the service to read and write in '{folder}'.",
    "malformed": "Restart the service: it restores the newest good backup.",
    "not a database": "Restart the service: it restores the newest good backup.",
    "": "Check the disk of '{folder}'.",
}


def connect(database_url: str | sa.URL) -> sa.Engine:
    """Create an engine. It opens a connection at its first use.

    Raises:
        RfuavError: The store cannot use this address, or PostgreSQL's driver is not installed.
    """
    url = _checked(database_url)
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url)
        sa.event.listen(engine, "connect", _tune_sqlite)
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine
    # Without these limits, a write to a server whose machine is gone would block for the kernel's 15 minutes.
    limits = {"connect_timeout": CONNECT_TIMEOUT_S, "keepalives_idle": 10, "tcp_user_timeout": 30_000}
    try:
        return sa.create_engine(url, pool_pre_ping=True, connect_args=limits)
    except ImportError:
        raise RfuavError(
            "DATABASE_URL names PostgreSQL, but its driver is not installed: pip install 'rfuav-ray[postgres]'"
        ) from None


def sqlite_file(engine: sa.Engine) -> Path | None:
    """The database's file; None if the database is a server."""
    return Path(str(engine.url.database)) if engine.dialect.name == "sqlite" else None


@contextmanager
def plain_errors(engine: sa.Engine, use: Literal["read", "written"]) -> Iterator[None]:
    """Replace errors of the disk or the server by one with plain words. Errors from bugs pass unchanged.

    Args:
        engine: The database of the block.
        use: What the block does, for the message.

    Raises:
        ServiceBusy: The disk or the server failed, or all connections are in use.
    """
    try:
        yield
    except sa.exc.TimeoutError:
        raise ServiceBusy("All connections to the task store are in use. Try again.", RETRY_AFTER_S) from None
    except sa.exc.DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if isinstance(error, _BUGS) and state != _NOT_ALLOWED:
            raise
        file = sqlite_file(engine)
        message = _server_error(engine.url, use, error) if file is None else _file_error(file, use, error)
        raise ServiceBusy(message, RETRY_AFTER_S) from None


def _file_error(file: Path, use: str, error: sa.exc.DBAPIError) -> str:
    reason = str(error.orig)
    advice = next(advice for word, advice in _ADVICE.items() if word in reason)
    return f"The task store cannot be {use}: {reason}. {advice.format(folder=file.parent, file=file)}"


def _server_error(url: sa.URL, use: str, error: sa.exc.DBAPIError) -> str:
    reason = " ".join(str(error.orig).split())[:SHOWN_REASON_CHARS]
    if url.password:
        reason = reason.replace(str(url.password), "***")
    state = getattr(error.orig, "sqlstate", None)
    name = f"'{url.database}' at {url.host or 'this machine'}"
    # Without a state, the connection failed and not a statement.
    if state is None or state.startswith(_AWAY):
        return f"The database does not answer: {name}: {reason}. Start it, or correct DATABASE_URL."
    return f"The task store cannot be {use}: {name}: {reason}. Check the database server."


def _checked(database_url: str | sa.URL) -> sa.URL:
    try:
        url = sa.make_url(database_url)
    except (sa.exc.ArgumentError, ValueError):  # both may contain the password
        raise RfuavError(f"DATABASE_URL is not a valid database address; use {_FORMS}") from None
    backend = url.get_backend_name()
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise RfuavError(f"DATABASE_URL names '{backend}', which is not supported; use {_FORMS}")
    if not url.database or url.database == ":memory:" or url.query:
        raise RfuavError(
            "DATABASE_URL must name a file, because several processes share it: sqlite:////folder/rfuav.db"
        )
    return url.set(drivername="sqlite")


def _tune_sqlite(connection: Any, _record: Any) -> None:
    # By default Python begins a transaction only at the first change of rows, and leaves schema changes outside.
    connection.isolation_level = None
    # One invalid byte in a text must not make its row, and the rows read with it, unreadable.
    connection.text_factory = _decode
    cursor = connection.cursor()
    # Two actors write one file; readers do not wait for writers; a commit is on disk when it returns.
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _decode(text: bytes) -> str:
    return text.decode(errors="replace")
