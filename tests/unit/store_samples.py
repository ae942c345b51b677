"""Tasks and events for the tests of the store, and the fixture of its two databases."""

import json

import pytest
from postgres_server import postgres  # noqa: F401

from actors.store import database_url
from actors.task_row import row_of
from rfuav_ray.tasks import TaskRecord, now


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Of an empty database."""
    if request.param == "sqlite":
        return database_url("", tmp_path / "state")
    return request.getfixturevalue("postgres").new_database()


def a_task(number, **fields):
    return TaskRecord(
        id=f"task-{number}",
        kind="inference",
        request={"source_path": "/数据"},
        priority=3,
        number=number,
        wanted_device="cuda",
        created_at=now(),
        updated_at=now(),
        **fields,
    )


def a_row(number, **fields):
    return row_of(a_task(number, **fields))


def an_event(task_id, sequence, **fields):
    return (task_id, sequence, "run", sequence - 1, json.dumps({"message": f"event {sequence}", **fields}))
