"""Tasks for the tests."""

from actors.store.row import row_of
from rfuav_ray.tasks import TaskRecord, now


def a_task(number=1, **fields):
    """A waiting training, `task-<number>`; `fields` are others than usual."""
    usual = {
        "id": f"task-{number}",
        "kind": "training",
        "request": {"source_path": "/数据"},
        "priority": 5,
        "number": number,
        "wanted_device": "cpu",
        "created_at": now(),
        "updated_at": now(),
    }
    return TaskRecord(**usual | fields)


def a_row(number=1, **fields):
    return row_of(a_task(number, **fields))
