"""One task's events: sequence numbers, and each report counted once. Pure; knows nothing of Ray."""

import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

#: a log entry of the HTTP contract
Entry = dict[str, Any]
#: sequence number, entry as JSON
Event = tuple[int, str]


class EventRow(NamedTuple):
    """An event as it is stored."""

    task_id: str
    sequence: int
    source: str
    #: of the event among those of its source
    source_index: int
    #: an Entry as JSON
    entry: str


class EventReport(NamedTuple):
    """Entries of one source, which numbers them from `first_index`."""

    task_id: str
    source: str
    first_index: int
    entries: list[Entry]


#: how many events are kept in memory to answer readers that keep up; older ones come from the store
WINDOW = 500


@dataclass
class EventWindow:
    """The newest events of a task, as readers may see them."""

    last_sequence: int = 0
    #: whether the stream's last event was shown
    is_closed: bool = False
    _recent: deque[Event] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def show(self, events: Iterable[Event]) -> None:
        for sequence, entry in events:
            self.last_sequence = sequence
            self._recent.append((sequence, entry))
            self.is_closed = self.is_closed or is_final(entry)

    def read(self, after: int, limit: int) -> list[Event] | None:
        """Events behind `after`; None when they begin before the window."""
        if after >= self.last_sequence:
            return []
        if not self._recent or after + 1 < self._recent[0][0]:
            return None
        first = after + 1 - self._recent[0][0]
        return list(islice(self._recent, first, first + limit))


@dataclass
class EventLog(EventWindow):
    """Gives the entries of a task their sequence numbers: from 1, without gaps.

    A source (a run, a batch of the task manager's entries, the acceptance) numbers its own entries from 0; one
    that arrives again after a lost answer has an index that was seen, and is dropped.
    """

    #: the highest index by source
    seen: dict[str, int] = field(default_factory=dict)
    _last_numbered: int = field(init=False)
    _is_final_numbered: bool = field(init=False)

    def __post_init__(self) -> None:
        self._last_numbered = self.last_sequence
        self._is_final_numbered = self.is_closed

    def number(self, task_id: str, source: str, first_index: int, entries: Sequence[Entry]) -> list[EventRow]:
        """Rows for the store of the entries that are new; show them when they are stored."""
        rows: list[EventRow] = []
        for index, entry in enumerate(entries, start=first_index):
            if self._is_final_numbered or index <= self.seen.get(source, -1):
                continue
            text = json.dumps(entry, ensure_ascii=False)
            self._last_numbered += 1
            self.seen[source] = index
            self._is_final_numbered = is_final(text)
            rows.append(EventRow(task_id, self._last_numbered, source, index, text))
        return rows


def first_event(task_id: str, entry: Entry) -> EventRow:
    """The one that is stored together with a new task."""
    return EventRow(task_id, 1, "accepted", 0, json.dumps(entry, ensure_ascii=False))


def is_final(text: str) -> bool:
    """Whether this entry (JSON) ends its task's stream."""
    # The quick look first: most entries are not.
    if '"completed"' not in text:
        return False
    entry = json.loads(text)
    return entry.get("stage") == "completed" and "status" in entry
