"""The store's tables as this release has them; `migrations` makes them."""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

metadata = sa.MetaData()

#: what the service was told at run time
settings = sa.Table(
    "settings",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    #: JSON
    sa.Column("value", sa.Text, nullable=False),
)
#: a TaskRow
tasks = sa.Table(
    "tasks",
    metadata,
    # The repair knows rows of this table by their first three columns.
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
    # The repair knows rows of this table by their first six columns.
    sa.Column("task_id", sa.String(64), primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    #: which report of which run this came from; see EventLog
    sa.Column("source", sa.String(80), nullable=False),
    sa.Column("source_index", sa.BigInteger, nullable=False),
    #: JSON
    sa.Column("entry", sa.Text, nullable=False),
    #: the last event of its task's stream
    sa.Column("is_final", sa.Boolean, nullable=False),
    sa.Column("is_epoch_end", sa.Boolean, nullable=False, server_default=sa.false()),
)
sa.Index("ix_events_source", events.c.task_id, events.c.source, events.c.source_index)
# Few of a million events are one of these: an index of those alone costs the others nothing.
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
    """Insert a row, or replace the one with the same key."""
    # The two dialects have the same clause, each with a class of its own.
    insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)
    keys = [column.name for column in table.primary_key]
    changes = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
    statement: sa.Executable = insert.on_conflict_do_update(index_elements=keys, set_=changes)
    return statement
