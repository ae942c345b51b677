"""Tasks for the tests."""

from datetime import UTC, datetime

from actors.store.row import row_of
from rfuav_ray.tasks import TaskRecord, now

#: of all tasks of a test
CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def a_task(number=1, **fields):
    """A waiting training, `task-<number>`; `fields` are others than usual."""
    usual = {
        "id": f"task-{number}",
        "kind": "training",
        "request": {"source_path": "/数据"},
        "priority": 5,
        "number": number,
        "wanted_device": "cpu",
        "created_at": CREATED_AT,
        "updated_at": now(),
    }
    return TaskRecord(**usual | fields)


def run_of(task_id, attempt=1):
    """The id of a run of this task."""
    return a_task(id=task_id, attempt=attempt).run_id


def a_row(number=1, **fields):
    return row_of(a_task(number, **fields))
