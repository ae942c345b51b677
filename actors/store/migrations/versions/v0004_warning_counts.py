"""Counts the WARNING events of each task's log into its record, as the service does from this version on."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_tasks = sa.table("tasks", sa.column("id", sa.String), sa.column("record", sa.Text))
_events = sa.table("events", sa.column("task_id", sa.String), sa.column("entry", sa.Text))


def upgrade() -> None:
    connection = op.get_bind()
    # A message cannot hold this text: JSON escapes its quotation marks.
    warns = _events.c.entry.contains('"level": "WARNING"', autoescape=True)
    counts = sa.select(_events.c.task_id, sa.func.count()).where(warns).group_by(_events.c.task_id)
    of_task = _tasks.c.id == sa.bindparam("task_id")
    for task_id, count in connection.execute(counts).all():
        record = connection.scalar(sa.select(_tasks.c.record).where(of_task), {"task_id": task_id})
        if record is None:
            continue
        text = json.dumps({**json.loads(record), "warnings": count}, ensure_ascii=False)
        connection.execute(_tasks.update().where(of_task).values(record=text), {"task_id": task_id})
