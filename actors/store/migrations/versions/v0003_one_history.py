"""Makes a task and its log one history: the task has the number of its last event, and an ended task a last event.

Earlier releases stored tasks and events in separate transactions. The columns that reconciled them are dropped.
"""

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_LIVE = ("pending", "running")

_tasks = sa.table(
    "tasks",
    sa.column("id", sa.String),
    sa.column("record", sa.Text),
    sa.column("status", sa.String),
    sa.column("last_sequence", sa.BigInteger),
)
_events = sa.table(
    "events",
    sa.column("task_id", sa.String),
    sa.column("sequence", sa.BigInteger),
    sa.column("source", sa.String),
    sa.column("source_index", sa.BigInteger),
    sa.column("entry", sa.Text),
    sa.column("is_final", sa.Boolean),
    sa.column("is_epoch_end", sa.Boolean),
)


def upgrade() -> None:
    connection = op.get_bind()
    connection.execute(_events.delete().where(_events.c.task_id.not_in(sa.select(_tasks.c.id))))
    _end_logs(connection)
    _keep_last_epochs(connection)
    op.add_column("tasks", sa.Column("last_sequence", sa.BigInteger, nullable=False, server_default=sa.literal(0)))
    last = sa.select(sa.func.max(_events.c.sequence)).where(_events.c.task_id == _tasks.c.id).scalar_subquery()
    connection.execute(_tasks.update().values(last_sequence=sa.func.coalesce(last, 0)))
    with op.batch_alter_table("tasks") as batch:
        batch.alter_column("last_sequence", existing_type=sa.BigInteger, server_default=None)
    for index in ("ix_events_source", "ix_events_final", "ix_events_epoch_end"):
        op.drop_index(index, "events")
    with op.batch_alter_table("events") as batch:
        for column in ("source", "source_index", "is_final", "is_epoch_end"):
            batch.drop_column(column)


def _end_logs(connection: sa.Connection) -> None:
    """Write the last event of ended tasks whose log was not closed when the service was killed."""
    closed = sa.select(_events.c.task_id).where(_events.c.is_final)
    query = sa.select(_tasks.c.id, _tasks.c.record).where(
        _tasks.c.status.not_in(_LIVE), _tasks.c.id.not_in(closed)
    )
    for task_id, record in connection.execute(query).all():
        task = json.loads(record)
        entry = {
            "timestamp": datetime.now(UTC).isoformat(),
            "level": "ERROR" if task["status"] == "failed" else "INFO",
            "message": task["message"],
            "stage": "completed",
            "status": task["status"],
        }
        last = sa.select(sa.func.max(_events.c.sequence)).where(_events.c.task_id == task_id)
        row = {
            "task_id": task_id,
            "sequence": (connection.scalar(last) or 0) + 1,
            "source": "migration",
            "source_index": 0,
            "entry": json.dumps(entry, ensure_ascii=False),
            "is_final": True,
            "is_epoch_end": False,
        }
        connection.execute(_events.insert(), row)


def _keep_last_epochs(connection: sa.Connection) -> None:
    """Copy the metrics of the last epoch into the records of trainings that will resume."""
    for task_id, record in connection.execute(
        sa.select(_tasks.c.id, _tasks.c.record).where(_tasks.c.status.in_(_LIVE))
    ).all():
        query = (
            sa.select(_events.c.entry)
            .where(_events.c.task_id == task_id, _events.c.is_epoch_end)
            .order_by(_events.c.sequence.desc())
            .limit(1)
        )
        if (entry := connection.scalar(query)) is None:
            continue
        task: dict[str, Any] = json.loads(record)
        event = json.loads(entry)
        task |= {"latest_metrics": event.get("metrics"), "current_epoch": event.get("step")}
        changed = _tasks.update().where(_tasks.c.id == task_id).values(record=json.dumps(task, ensure_ascii=False))
        connection.execute(changed)
