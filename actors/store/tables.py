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
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("ended_at_s", sa.Float, index=True),
    sa.Column("last_sequence", sa.BigInteger, nullable=False),
)
events = sa.Table(
    "events",
    metadata,
    sa.Column("task_id", sa.String(64), primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    #: JSON
    sa.Column("entry", sa.Text, nullable=False),
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
