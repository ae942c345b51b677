"""Events for the tests of the store, and the fixture of its two databases."""

import json

import pytest

from actors.store.store import EventRow, database_url
from tests.support.postgres_server import postgres  # noqa: F401


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Of an empty database."""
    if request.param == "sqlite":
        return database_url("", tmp_path / "state")
    return request.getfixturevalue("postgres").new_database()


def an_event(task_id, sequence, **fields):
    entry = json.dumps({"message": f"event {sequence}", **fields})
    return EventRow(task_id, sequence, entry)
