"""Writes into stores that a test sees, delays or refuses."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from actors.store.store import Store


class StoreWrites:
    def __init__(self) -> None:
        #: is called with the rows before they are stored; its error is that of the store
        self.before: Callable[[Sequence[Any]], None] = lambda rows: None


def watched_writes(monkeypatch: pytest.MonkeyPatch, method: str) -> StoreWrites:
    """Watch a method of all stores, `write_tasks` or `append_events`. Call it before an actor opens its store."""
    writes = StoreWrites()
    original = getattr(Store, method)

    def write(store: Store, rows: Sequence[Any]) -> None:
        writes.before(rows)
        original(store, rows)

    monkeypatch.setattr(Store, method, write)
    return writes
