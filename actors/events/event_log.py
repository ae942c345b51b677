"""The events of one task: sequence numbers, and each report counted once. No Ray, no I/O."""

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
    """An event as the store holds it."""

    task_id: str
    sequence: int
    source: str
    #: index of the event among the events of its source
    source_index: int
    #: an Entry as JSON
    entry: str


class EventReport(NamedTuple):
    """Consecutive entries of one source. The first one has the index `first_index`."""

    task_id: str
    source: str
    first_index: int
    entries: list[Entry]


#: number of events kept in memory for readers that keep up; older events come from the store
WINDOW = 500


@dataclass
class EventWindow:
    """The newest events of a task that readers may see: those that are stored."""

    last_sequence: int = 0
    #: whether the stream's last event has been shown
    is_closed: bool = False
    _recent: deque[Event] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def show(self, events: Iterable[Event]) -> None:
        for sequence, entry in events:
            self.last_sequence = sequence
            self._recent.append((sequence, entry))
            self.is_closed = self.is_closed or is_final(entry)

    def read(self, after: int, limit: int) -> list[Event] | None:
        """At most `limit` events after sequence number `after`; None if the first one is older than the window."""
        if after >= self.last_sequence:
            return []
        if not self._recent or after + 1 < self._recent[0][0]:
            return None
        first = after + 1 - self._recent[0][0]
        return list(islice(self._recent, first, first + limit))


@dataclass
class EventLog(EventWindow):
    """Gives the entries of a task their sequence numbers: from 1, without gaps.

    A source is a run, a batch of the task manager's entries, or the acceptance of the task. It numbers its own
    entries from 0. After a lost answer it reports them again: their indexes have been seen, so they are dropped.
    """

    #: the highest index seen of each source
    seen: dict[str, int] = field(default_factory=dict)
    _last_numbered: int = field(init=False)
    _is_final_numbered: bool = field(init=False)

    def __post_init__(self) -> None:
        self._last_numbered = self.last_sequence
        self._is_final_numbered = self.is_closed

    def number(self, task_id: str, source: str, first_index: int, entries: Sequence[Entry]) -> list[EventRow]:
        """Give the new entries their sequence numbers. Entries after the stream's last event are dropped.

        Args:
            task_id: The task of the log.
            source: The source of the entries.
            first_index: Index of the first entry within its source.
            entries: The reported entries, which may include earlier ones.

        Returns:
            Rows for the store. Call `show` only after they are stored.
        """
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
    """The event that is stored together with a new task."""
    return EventRow(task_id, 1, "accepted", 0, json.dumps(entry, ensure_ascii=False))


def is_final(text: str) -> bool:
    """Whether this entry (JSON) ends its task's stream."""
    # A cheap test first: most entries are not final.
    if '"completed"' not in text:
        return False
    entry = json.loads(text)
    return entry.get("stage") == "completed" and "status" in entry
