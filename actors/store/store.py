"""The durable store: tasks with their requests and results, and their log events.

Every write is one transaction; when it returns, it is on disk. The methods block: actors call them in a thread.
`prepare_store` makes the tables. What the disk or the server does wrong is raised as ServiceBusy.
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

#: tasks whose events one query asks for, or one transaction deletes: the other actor's writes wait for it
TASKS_TOGETHER = 100

#: what `write_tasks` takes
TaskChange = TaskRow | EventRow | str

_TASK = TaskRow._fields
_LOAD = sa.select(*(tasks.c[name] for name in _TASK)).order_by(tasks.c.number)


class Store:
    """Connects when it is first used. Raises RfuavError for a DATABASE_URL that it cannot use."""

    def __init__(self, database_url: str) -> None:
        self._engine = connect(database_url)

    def load_tasks(self) -> list[TaskRow]:
        """All tasks in the order of their submission."""
        with self._reading() as connection:
            return [TaskRow(*row) for row in connection.execute(_LOAD)]

    def write_tasks(self, changes: Sequence[TaskChange]) -> None:
        """All or none, in their order: a row is inserted or replaces the older one, an id is deleted.

        An event is the first one of a new task's log.
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
                # An older task with this id may have left some: a report can come after its deletion.
                older = [{"older": event.task_id} for event in first_events]
                connection.execute(events.delete().where(events.c.task_id == sa.bindparam("older")), older)
                connection.execute(events.insert(), [event_values(event) for event in first_events])

    def read_setting(self, name: str, default: Any) -> Any:
        """A value that `write_setting` stored."""
        with self._reading() as connection:
            text = connection.scalar(sa.select(settings.c.value).where(settings.c.name == name))
        return default if text is None else json.loads(text)

    def write_setting(self, name: str, value: Any) -> None:
        """`value` is anything that JSON can hold."""
        with self._writing() as connection:
            row = {"name": name, "value": json.dumps(value)}
            connection.execute(upsert(self._engine.dialect.name, settings), row)

    def delete_events(self, task_ids: Sequence[str]) -> None:
        """A part of them when it raises; deleting them again is harmless."""
        for batch in _batches(task_ids):
            with self._writing() as connection:
                connection.execute(events.delete().where(events.c.task_id.in_(batch)))

    def closed_streams(self) -> set[str]:
        """The tasks whose last event is stored."""
        with self._reading() as connection:
            return set(connection.scalars(sa.select(events.c.task_id).where(events.c.is_final)))

    def append_events(self, rows: Iterable[EventRow]) -> None:
        values = [event_values(row) for row in rows]
        with self._writing() as connection:
            connection.execute(events.insert(), values)

    def read_events(self, task_id: str, after: int, limit: int) -> list[tuple[int, str]]:
        """At most `limit` pairs of sequence number and entry (JSON), beginning behind `after`."""
        query = (
            sa.select(events.c.sequence, events.c.entry)
            .where(events.c.task_id == task_id, events.c.sequence > after)
            .order_by(events.c.sequence)
            .limit(limit)
        )
        with self._reading() as connection:
            return [(row.sequence, row.entry) for row in connection.execute(query)]

    def last_events(self, task_ids: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Sequence number and entry (JSON) of the last event of each of these tasks that has one."""
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
        """For each of these tasks that has events, and each source of them, the highest index that is stored."""
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
        """The epoch whose end was reported last; 0 when none was."""
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
    """DATABASE_URL, or the SQLite file in the state folder."""
    if configured:
        return configured
    state_dir.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{state_dir / 'rfuav.db'}"


def _batches(task_ids: Iterable[str]) -> Iterator[list[str]]:
    waiting = iter(task_ids)
    while batch := list(islice(waiting, TASKS_TOGETHER)):
        yield batch


def task_values(row: TaskRow) -> dict[str, Any]:
    """A row of the table of tasks."""
    return {name: getattr(row, name) for name in _TASK}


def event_values(row: EventRow) -> dict[str, Any]:
    """A row of the table of events."""
    return {**row._asdict(), "is_final": is_final(row.entry), "is_epoch_end": _is_epoch_end(row.entry)}


def _is_epoch_end(entry: str) -> bool:
    # The quick look first: most entries are not.
    return '"epoch_end"' in entry and json.loads(entry).get("stage") == "epoch_end"
