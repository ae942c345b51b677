"""A TaskManager for a run without Ray, over a real store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.memory import run_processes
from actors.runs import reporter
from actors.store.setup import prepare_store
from actors.store.store import database_url
from actors.tasks import reports
from tests.support.actor_handles import actor_thread
from tests.support.run_actors import RunActors


@pytest.fixture(autouse=True)
def _oom_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of the tests must not become the first that the kernel ends."""
    monkeypatch.setattr(run_processes, "OOM_SCORE", tmp_path / "oom_score_adj")


@pytest.fixture
def actors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunActors]:
    monkeypatch.setattr(reporter, "FIRST_REPORT_AFTER_S", 0.001)
    monkeypatch.setattr(reports, "REPORT_EVERY_S", 0.001)
    monkeypatch.setattr(reports, "STORED_WITHIN_S", 0.05)
    monkeypatch.setattr("actors.tasks.history_writer.RETRY_S", 0.001)
    monkeypatch.setattr(reporter, "RETRY_S", 0)
    (tmp_path / "service").mkdir()
    prepare_store(database_url("", tmp_path / "service"))
    with actor_thread(monkeypatch) as thread:
        yield RunActors(tmp_path / "service", thread)
