"""Commits of stores that a test sees, delays or refuses."""

from collections.abc import Callable, Sequence

import pytest

from actors.store.row import TaskRow
from actors.store.store import EventRow, Store


class StoreWrites:
    def __init__(self) -> None:
        #: is called before each commit, with its rows, events and deleted ids; its error is that of the store
        self.before: Callable[[Sequence[TaskRow], Sequence[EventRow], Sequence[str]], None] = lambda *_: None


def watched_commits(monkeypatch: pytest.MonkeyPatch) -> StoreWrites:
    """Watch the commits of all stores."""
    writes = StoreWrites()
    commit = Store.commit

    def watched(
        store: Store, rows: Sequence[TaskRow], new_events: Sequence[EventRow], deleted: Sequence[str]
    ) -> None:
        writes.before(rows, new_events, deleted)
        commit(store, rows, new_events, deleted)

    monkeypatch.setattr(Store, "commit", watched)
    return writes
