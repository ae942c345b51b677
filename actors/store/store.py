"""The durable store: tasks with their requests and results, and their events.

Every write except `delete_events` is one transaction. It is on disk when the method returns. The methods block, so
actors call them in a thread. `prepare_store` creates the tables. All methods raise ServiceBusy when the disk or
the server fails.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from actors.events.event_log import EventRow, is_final
from actors.store.database import connect, plain_errors
from actors.store.tables import events, settings, tasks, upsert
from actors.tasks.row import TaskRow

#: tasks per query of events, and per transaction that deletes events: the other actor's writes wait for it
TASKS_PER_QUERY = 100

#: a change that `write_tasks` accepts
TaskChange = TaskRow | EventRow | str

_TASK = TaskRow._fields
_LOAD = sa.select(*(tasks.c[name] for name in _TASK)).order_by(tasks.c.number)


class Store:
    """Connects to the database at its first use.

    Raises:
        RfuavError: DATABASE_URL cannot be used.
    """

    def __init__(self, database_url: str) -> None:
        self._engine = connect(database_url)

    def load_tasks(self) -> list[TaskRow]:
        """All tasks in the order of their submission."""
        with self._reading() as connection:
            return [TaskRow(*row) for row in connection.execute(_LOAD)]

    def write_tasks(self, changes: Sequence[TaskChange]) -> None:
        """Store all changes or none. If a task has several changes, the last one counts.

        Args:
            changes: A row inserts or replaces a task, an id deletes one, and an event is the first one of a new
                task's log.
        """
        first_events = [change for change in changes if isinstance(change, EventRow)]
        latest: dict[str, TaskRow | str] = {}
        for change in changes:
            if not isinstance(change, EventRow):
                latest[change if isinstance(change, str) else change.id] = change
        gone = [{"gone": change} for change in latest.values() if isinstance(change, str)]
        rows = [task_values(change) for change in latest.values() if not isinstance(change, str)]
        with self._writing() as connection:
            if gone:
                connection.execute(tasks.delete().where(tasks.c.id == sa.bindparam("gone")), gone)
            if rows:
                connection.execute(upsert(self._engine.dialect.name, tasks), rows)
            if first_events:
                # An older task with this id may have left events: a report can arrive after its deletion.
                older = [{"older": event.task_id} for event in first_events]
                connection.execute(events.delete().where(events.c.task_id == sa.bindparam("older")), older)
                connection.execute(events.insert(), [event_values(event) for event in first_events])

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

    def delete_events(self, task_ids: Sequence[str]) -> None:
        """Delete all events of these tasks. After an error some are deleted; the call can be repeated."""
        for batch in _batches(task_ids):
            with self._writing() as connection:
                connection.execute(events.delete().where(events.c.task_id.in_(batch)))

    def closed_streams(self) -> set[str]:
        """The ids of the tasks whose stream's last event is stored."""
        with self._reading() as connection:
            return set(connection.scalars(sa.select(events.c.task_id).where(events.c.is_final)))

    def append_events(self, rows: Iterable[EventRow]) -> None:
        values = [event_values(row) for row in rows]
        with self._writing() as connection:
            connection.execute(events.insert(), values)

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

    def last_events(self, task_ids: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Sequence number and entry (JSON) of the last event, by task. Tasks without events are left out."""
        found: dict[str, tuple[int, str]] = {}
        with self._reading() as connection:
            for batch in _batches(task_ids):
                last = (
                    sa.select(events.c.task_id, sa.func.max(events.c.sequence).label("sequence"))
                    .where(events.c.task_id.in_(batch))
                    .group_by(events.c.task_id)
                    .subquery()
                )
                is_last = (events.c.task_id == last.c.task_id) & (events.c.sequence == last.c.sequence)
                query = sa.select(events.c.task_id, events.c.sequence, events.c.entry).join(last, is_last)
                found |= {row.task_id: (row.sequence, row.entry) for row in connection.execute(query)}
        return found

    def last_source_indexes(self, task_ids: Iterable[str]) -> dict[str, dict[str, int]]:
        """The highest stored index of each source, by task. Tasks without events are left out."""
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        with self._reading() as connection:
            for batch in _batches(task_ids):
                query = (
                    sa.select(
                        events.c.task_id, events.c.source, sa.func.max(events.c.source_index).label("highest")
                    )
                    .where(events.c.task_id.in_(batch))
                    .group_by(events.c.task_id, events.c.source)
                )
                for row in connection.execute(query):
                    found[row.task_id][row.source] = row.highest
        return found

    def last_epoch(self, task_id: str) -> int:
        """The last epoch whose end is stored; 0 without any."""
        query = (
            sa.select(events.c.entry)
            .where(events.c.task_id == task_id, events.c.is_epoch_end)
            .order_by(events.c.sequence.desc())
            .limit(1)
        )
        with self._reading() as connection:
            entry = connection.scalar(query)
        return 0 if entry is None else int(json.loads(entry)["step"])

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


def database_url(configured: str, state_dir: Path) -> str:
    """DATABASE_URL, or the SQLite file in the state folder. Creates the folder."""
    if configured:
        return configured
    state_dir.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{state_dir / 'rfuav.db'}"


def _batches(task_ids: Iterable[str]) -> Iterator[list[str]]:
    waiting = iter(task_ids)
    while batch := list(islice(waiting, TASKS_PER_QUERY)):
        yield batch


def task_values(row: TaskRow) -> dict[str, Any]:
    """The values of a row of the table `tasks`, by column."""
    return {name: getattr(row, name) for name in _TASK}


def event_values(row: EventRow) -> dict[str, Any]:
    """The values of a row of the table `events`, by column."""
    return {**row._asdict(), "is_final": is_final(row.entry), "is_epoch_end": _is_epoch_end(row.entry)}


def _is_epoch_end(entry: str) -> bool:
    # A cheap test first: most entries are not the end of an epoch.
    return '"epoch_end"' in entry and json.loads(entry).get("stage") == "epoch_end"
