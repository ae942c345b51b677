"""The store's tables in this release. `migrations` creates them."""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

metadata = sa.MetaData()

#: values that the service saves at run time: changed limits, reserved GPUs
settings = sa.Table(
    "settings",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    #: JSON
    sa.Column("value", sa.Text, nullable=False),
)
#: the columns of a TaskRow
tasks = sa.Table(
    "tasks",
    metadata,
    # The repair recognizes rows of this table by their first three columns.
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("ended_at_s", sa.Float, index=True),
)
events = sa.Table(
    "events",
    metadata,
    # The repair recognizes rows of this table by their first six columns.
    sa.Column("task_id", sa.String(64), primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    #: what reported the event (for example a run), and the index of the event in that source; see EventLog
    sa.Column("source", sa.String(80), nullable=False),
    sa.Column("source_index", sa.BigInteger, nullable=False),
    #: JSON
    sa.Column("entry", sa.Text, nullable=False),
    #: whether this is the last event of its task's stream
    sa.Column("is_final", sa.Boolean, nullable=False),
    sa.Column("is_epoch_end", sa.Boolean, nullable=False, server_default=sa.false()),
)
sa.Index("ix_events_source", events.c.task_id, events.c.source, events.c.source_index)
# Only a few of a million events are final or end an epoch. A partial index costs nothing for the others.
sa.Index("ix_events_final", events.c.task_id, sqlite_where=events.c.is_final, postgresql_where=events.c.is_final)
sa.Index(
    "ix_events_epoch_end",
    events.c.task_id,
    events.c.sequence,
    sqlite_where=events.c.is_epoch_end,
    postgresql_where=events.c.is_epoch_end,
)


@lru_cache
def upsert(dialect: str, table: sa.Table) -> sa.Executable:
    """A statement that inserts a row, or replaces the row with the same key."""
    # Both dialects have the same clause, but each has its own class for it.
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)
    keys = [column.name for column in table.primary_key]
    changes = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
    statement: sa.Executable = insert.on_conflict_do_update(index_elements=keys, set_=changes)
    return statement
