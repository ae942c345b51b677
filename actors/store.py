"""The durable store: tasks with their requests and results, and their log events.

Every write is one transaction; when it returns, it is on disk. The methods block: actors call them in a thread.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from actors.event_log import EventRow, is_final
from rfuav_ray.errors import RfuavError
from rfuav_ray.tasks import TaskRecord

SCHEMA_VERSION = 1

_metadata = sa.MetaData()
_schema = sa.Table("schema", _metadata, sa.Column("version", sa.Integer, primary_key=True))
#: what the service was told at run time
_settings = sa.Table(
    "settings",
    _metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    #: JSON
    sa.Column("value", sa.Text, nullable=False),
)
_tasks = sa.Table(
    "tasks",
    _metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    #: the whole TaskRecord
    sa.Column("record", sa.Text, nullable=False),
)
_events = sa.Table(
    "events",
    _metadata,
    sa.Column("task_id", sa.String(64), primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    #: which report of which run this came from; see EventLog
    sa.Column("source", sa.String(80), nullable=False),
    sa.Column("source_index", sa.BigInteger, nullable=False),
    sa.Column("entry", sa.Text, nullable=False),
    #: the last event of its task's stream
    sa.Column("is_final", sa.Boolean, nullable=False, index=True),
)


class Store:
    def __init__(self, database_url: str) -> None:
        self._engine = sa.create_engine(database_url)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _tune_sqlite)
        with self._engine.begin() as connection:
            _metadata.create_all(connection)
            found = connection.scalar(sa.select(_schema.c.version))
            if found is None:
                connection.execute(_schema.insert().values(version=SCHEMA_VERSION))
            elif found != SCHEMA_VERSION:
                raise RfuavError(
                    f"The store has schema version {found}, this release needs {SCHEMA_VERSION}. "
                    "Use the release that wrote it, or another STATE_DIR."
                )

    def load_tasks(self) -> list[TaskRecord]:
        """All tasks in the order of their submission."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(_tasks.c.record).order_by(_tasks.c.number))
            return [TaskRecord.model_validate_json(record) for (record,) in rows]

    def write_tasks(self, changes: Sequence[TaskRecord | str]) -> None:
        """All or none, in their order: a record is inserted or replaces the older one, an id is deleted."""
        latest = {change if isinstance(change, str) else change.id: change for change in changes}
        gone = [change for change in latest.values() if isinstance(change, str)]
        rows = [
            {"id": change.id, "number": change.number, "record": change.model_dump_json()}
            for change in latest.values()
            if not isinstance(change, str)
        ]
        with self._engine.begin() as connection:
            if gone:
                connection.execute(_tasks.delete().where(_tasks.c.id.in_(gone)))
            if rows:
                connection.execute(_upsert(self._engine.dialect.name), rows)

    def read_setting(self, name: str, default: Any) -> Any:
        """A value that `write_setting` stored."""
        with self._engine.connect() as connection:
            text = connection.scalar(sa.select(_settings.c.value).where(_settings.c.name == name))
        return default if text is None else json.loads(text)

    def write_setting(self, name: str, value: Any) -> None:
        """`value` is anything that JSON can hold."""
        with self._engine.begin() as connection:
            connection.execute(_settings.delete().where(_settings.c.name == name))
            connection.execute(_settings.insert().values(name=name, value=json.dumps(value)))

    def delete_events(self, task_id: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(_events.delete().where(_events.c.task_id == task_id))

    def closed_streams(self) -> set[str]:
        """The tasks whose last event is stored."""
        with self._engine.connect() as connection:
            return set(connection.scalars(sa.select(_events.c.task_id).where(_events.c.is_final)))

    def append_events(self, rows: Iterable[EventRow]) -> None:
        names = ("task_id", "sequence", "source", "source_index", "entry")
        values = [dict(zip(names, row, strict=True)) | {"is_final": is_final(row[-1])} for row in rows]
        with self._engine.begin() as connection:
            connection.execute(_events.insert(), values)

    def read_events(self, task_id: str, after: int, limit: int) -> list[tuple[int, str]]:
        """At most `limit` pairs of sequence number and entry (JSON), beginning behind `after`."""
        query = (
            sa.select(_events.c.sequence, _events.c.entry)
            .where(_events.c.task_id == task_id, _events.c.sequence > after)
            .order_by(_events.c.sequence)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [(row.sequence, row.entry) for row in connection.execute(query)]

    def last_event(self, task_id: str) -> tuple[int, str] | None:
        query = (
            sa.select(_events.c.sequence, _events.c.entry)
            .where(_events.c.task_id == task_id)
            .order_by(_events.c.sequence.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
            return None if row is None else (row.sequence, row.entry)

    def last_source_indexes(self, task_id: str) -> dict[str, int]:
        """For each source of the task's events the highest index that is stored."""
        query = (
            sa.select(_events.c.source, sa.func.max(_events.c.source_index).label("highest"))
            .where(_events.c.task_id == task_id)
            .group_by(_events.c.source)
        )
        with self._engine.connect() as connection:
            return {row.source: row.highest for row in connection.execute(query)}

    def last_epoch(self, task_id: str) -> int:
        """The epoch whose end was reported last; 0 when none was."""
        query = (
            sa.select(_events.c.entry)
            .where(_events.c.task_id == task_id, _events.c.entry.contains('"stage": "epoch_end"'))
            .order_by(_events.c.sequence.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            entry = connection.scalar(query)
        return 0 if entry is None else int(json.loads(entry)["step"])

    def close(self) -> None:
        self._engine.dispose()


def database_url(configured: str, state_dir: Path) -> str:
    """DATABASE_URL, or the SQLite file in the state folder."""
    if configured:
        return configured
    state_dir.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{state_dir / 'rfuav.db'}"


def _upsert(dialect: str) -> sa.Executable:
    # The two dialects have the same clause, each with a class of its own.
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](_tasks)
    changes = {"record": insert.excluded.record, "number": insert.excluded.number}
    statement: sa.Executable = insert.on_conflict_do_update(index_elements=["id"], set_=changes)
    return statement


def _tune_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # Readers don't wait for writers; a commit is on disk when it returns; two actors write one file.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
