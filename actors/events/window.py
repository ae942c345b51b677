"""The events of a task's log, and a window of the newest ones. No Ray, no I/O."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from rfuav_ray.events import Level
from rfuav_ray.tasks import now

#: a log entry of the HTTP contract
Entry = dict[str, Any]
#: sequence number (from 1, without gaps), and the Entry as JSON
Event = tuple[int, str]

#: number of events kept in memory for readers that keep up; older events come from the store
WINDOW = 500


def warnings_in(entries: Iterable[Entry]) -> int:
    """Count the entries that warn."""
    return sum(entry.get("level") == "WARNING" for entry in entries)


@dataclass
class EventWindow:
    """The newest events of a task, without gaps."""

    _recent: deque[Event] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def show(self, events: Iterable[Event]) -> None:
        """Add the events after the newest one. After a gap, the window starts again with the later events."""
        for sequence, entry in events:
            newest = self._recent[-1][0] if self._recent else None
            if newest is not None and sequence <= newest:
                continue
            if newest is not None and sequence > newest + 1:
                self._recent.clear()
            self._recent.append((sequence, entry))

    def read(self, after: int, limit: int) -> list[Event] | None:
        """At most `limit` events after sequence number `after`; None if the window does not hold the first one."""
        if not self._recent or not self._recent[0][0] <= after + 1 <= self._recent[-1][0]:
            return None
        first = after + 1 - self._recent[0][0]
        return list(islice(self._recent, first, first + limit))


def log_entry(message: str, level: Level = "INFO", **fields: Any) -> Entry:
    """An entry with the current time."""
    return {
        "timestamp": now().isoformat(),
        "level": level,
        "message": message,
        **fields,
    }
