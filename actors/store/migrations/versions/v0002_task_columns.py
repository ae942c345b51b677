"""Adds columns for the fields that sort and select tasks, and indexes that find events by source and by epoch."""

import json
import logging
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ROWS_AT_ONCE = 1000

logger = logging.getLogger(__name__)

_tasks = sa.table(
    "tasks",
    sa.column("id", sa.String),
    sa.column("number", sa.BigInteger),
    sa.column("record", sa.Text),
    sa.column("kind", sa.String),
    sa.column("status", sa.String),
    sa.column("version", sa.BigInteger),
    sa.column("ended_at_s", sa.Float),
)
_events = sa.table("events", sa.column("entry", sa.Text), sa.column("is_final"), sa.column("is_epoch_end"))


def upgrade() -> None:
    op.drop_table("schema")
    for column in (
        sa.Column("kind", sa.String(32)),
        sa.Column("status", sa.String(16)),
        sa.Column("version", sa.BigInteger),
        sa.Column("ended_at_s", sa.Float),
    ):
        op.add_column("tasks", column)
    _fill_tasks(op.get_bind())
    with op.batch_alter_table("tasks") as batch:
        batch.alter_column("kind", existing_type=sa.String(32), nullable=False)
        batch.alter_column("status", existing_type=sa.String(16), nullable=False)
        batch.alter_column("version", existing_type=sa.BigInteger, nullable=False)
    op.create_index("ix_tasks_ended_at_s", "tasks", ["ended_at_s"])
    _change_events()


def _fill_tasks(connection: sa.Connection) -> None:
    names = ("kind", "status", "version", "ended_at_s")
    fill = (
        _tasks.update()
        .where(_tasks.c.id == sa.bindparam("task_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )
    query = sa.select(_tasks.c.number, _tasks.c.id, _tasks.c.record).order_by(_tasks.c.number).limit(ROWS_AT_ONCE)
    last = None
    while rows := connection.execute(query if last is None else query.where(_tasks.c.number > last)).all():
        last = rows[-1].number
        values = {row.id: _values(row.record) for row in rows}
        # The release that wrote such a record could not have read it either, and would not have started.
        for task_id in [task_id for task_id, found in values.items() if found is None]:
            logger.error("the record of task '%s' cannot be read, it is left out", task_id)
            connection.execute(_tasks.delete().where(_tasks.c.id == task_id))
        filled = [{"task_id": task_id, **found} for task_id, found in values.items() if found is not None]
        if filled:
            connection.execute(fill, filled)


def _values(record: str) -> dict[str, Any] | None:
    try:
        task = json.loads(record)
        ended_at = task.get("ended_at")
        return {
            "new_kind": task["kind"],
            "new_status": task["status"],
            "new_version": task["version"],
            # Python 3.10 cannot parse the Z.
            "new_ended_at_s": ended_at and datetime.fromisoformat(ended_at.replace("Z", "+00:00")).timestamp(),
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _change_events() -> None:
    op.add_column("events", sa.Column("is_epoch_end", sa.Boolean, nullable=False, server_default=sa.false()))
    is_epoch_end = _events.c.entry.contains('"stage": "epoch_end"', autoescape=True)
    op.execute(_events.update().where(is_epoch_end).values(is_epoch_end=sa.true()))
    op.create_index("ix_events_source", "events", ["task_id", "source", "source_index"])
    op.drop_index("ix_events_is_final", "events")
    final = sa.column("is_final", sa.Boolean) == sa.true()
    op.create_index("ix_events_final", "events", ["task_id"], sqlite_where=final, postgresql_where=final)
    epoch_end = sa.column("is_epoch_end", sa.Boolean) == sa.true()
    op.create_index(
        "ix_events_epoch_end",
        "events",
        ["task_id", "sequence"],
        sqlite_where=epoch_end,
        postgresql_where=epoch_end,
    )
