"""The durable store: tasks with their requests and results, and their events.

Every write is one transaction. It is on disk when the method returns. The methods block, so actors call them in a
thread. `prepare_store` creates the tables. All methods raise ServiceBusy when the disk or the server fails.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from actors.store import ownership
from actors.store.database import connect, plain_errors
from actors.store.row import TaskRow
from actors.store.tables import events, settings, tasks, upsert

_TASK = TaskRow._fields
_LOAD = sa.select(*(tasks.c[name] for name in _TASK)).order_by(tasks.c.number)


class EventRow(NamedTuple):
    """An event as the store holds it."""

    task_id: str
    #: from 1, without gaps
    sequence: int
    #: a log entry as JSON
    entry: str


class Store:
    def __init__(self, database_url: str, owner: ownership.Owner | None = None) -> None:
        """Connect to the database at the first use.

        Args:
            database_url: See `database_url`.
            owner: The service that writes. Its writes fail with OwnershipLost when another service has the store.

        Raises:
            RfuavError: DATABASE_URL cannot be used.
        """
        self._engine = connect(database_url)
        self._owner = owner

    def load_tasks(self) -> list[TaskRow]:
        """All tasks in the order of their submission."""
        with self._reading() as connection:
            return [TaskRow(*row) for row in connection.execute(_LOAD)]

    def commit(self, rows: Sequence[TaskRow], new_events: Sequence[EventRow], deleted: Sequence[str]) -> None:
        """Store all changes or none.

        Args:
            rows: The new states of tasks, and new tasks.
            new_events: New entries of the tasks' logs.
            deleted: Ids of tasks that are deleted together with their logs, after the other changes.
        """
        gone = [{"gone": task_id} for task_id in deleted]
        with self._writing() as connection:
            if rows:
                connection.execute(upsert(self._engine.dialect.name, tasks), [row._asdict() for row in rows])
            if new_events:
                connection.execute(events.insert(), [event._asdict() for event in new_events])
            if gone:
                connection.execute(events.delete().where(events.c.task_id == sa.bindparam("gone")), gone)
                connection.execute(tasks.delete().where(tasks.c.id == sa.bindparam("gone")), gone)

    def read_setting(self, name: str, default: Any) -> Any:
        """Return the value that `write_setting` stored, or `default` without one."""
        with self._reading() as connection:
            text = connection.scalar(sa.select(settings.c.value).where(settings.c.name == name))
        return default if text is None else json.loads(text)

    def write_setting(self, name: str, value: Any) -> None:
        """Store a value that JSON can represent."""
        with self._writing() as connection:
            row = {"name": name, "value": json.dumps(value)}
            connection.execute(upsert(self._engine.dialect.name, settings), row)

    def read_events(self, task_id: str, after: int, limit: int) -> list[tuple[int, str]]:
        """At most `limit` pairs of sequence number and entry (JSON), from the first one after `after`."""
        query = (
            sa.select(events.c.sequence, events.c.entry)
            .where(events.c.task_id == task_id, events.c.sequence > after)
            .order_by(events.c.sequence)
            .limit(limit)
        )
        with self._reading() as connection:
            return [(row.sequence, row.entry) for row in connection.execute(query)]

    def renew_ownership(self) -> None:
        """Show other services that the owner is alive."""
        with self._writing() as connection:
            ownership.renew(connection)

    def release_ownership(self) -> None:
        """Let any other service take the store at once."""
        if self._owner is not None:
            with plain_errors(self._engine, "written"), self._engine.begin() as connection:
                ownership.release(connection, self._owner)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with plain_errors(self._engine, "read"), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with plain_errors(self._engine, "written"), self._engine.begin() as connection:
            yield connection
            if self._owner is not None:
                ownership.check(connection, self._owner)


def database_url(configured: str, state_dir: Path) -> str:
    """DATABASE_URL, or the SQLite file in the state folder. Creates the folder."""
    if configured:
        return configured
    state_dir.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{state_dir / 'rfuav.db'}"
