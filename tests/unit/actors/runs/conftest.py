"""Actors for a run without Ray: the MetricsActor over a real store, and a TaskManager that gives orders."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.runs import reporter
from actors.store.setup import prepare_store
from actors.store.store import database_url
from tests.support.actor_handles import actor_thread
from tests.support.run_actors import RunActors


@pytest.fixture
def actors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunActors]:
    monkeypatch.setattr(reporter, "REPORT_EVERY_S", 0.001)
    monkeypatch.setattr(reporter, "RETRY_S", 0)
    (tmp_path / "service").mkdir()
    prepare_store(database_url("", tmp_path / "service"))
    with actor_thread(monkeypatch) as thread:
        yield RunActors(tmp_path / "service", thread)
