"""Stored spectrogram tasks keep the style of their time: an interrupted one goes on with the same pictures.

Requests had no `style` and drew what is now `peak`. Their sample rate was that of recordings that state none. The
default is null now, because a rate that a request states wins.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_LIVE = ("pending", "running")
_DEFAULT_RATE_HZ = 100e6
_tasks = sa.table(
    "tasks",
    sa.column("id", sa.String),
    sa.column("kind", sa.String),
    sa.column("status", sa.String),
    sa.column("record", sa.Text),
)


def upgrade() -> None:
    connection = op.get_bind()
    live = sa.select(_tasks.c.id, _tasks.c.record).where(
        _tasks.c.kind == "spectrogram", _tasks.c.status.in_(_LIVE)
    )
    for task_id, text in connection.execute(live).all():
        record: dict[str, Any] = json.loads(text)
        request = record["request"]
        request["style"] = "peak"
        if request.get("sample_rate_hz") == _DEFAULT_RATE_HZ:
            request["sample_rate_hz"] = None
        changed = _tasks.update().where(_tasks.c.id == task_id)
        connection.execute(changed.values(record=json.dumps(record, ensure_ascii=False)))
