"""The latest version of every task and the newest events, for readers that keep a local copy. No Ray, no I/O."""

import asyncio
import uuid
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from actors.events.window import Event
from actors.store.row import TaskRow

#: number of changes in one page: a large table travels in parts
PAGE = 2000
#: number of deleted tasks that are remembered; a reader that is further behind starts over
DELETIONS_KEPT = 10_000
#: number of changes whose events are kept; a reader that is further behind reads events from the store
EVENTFUL_CHANGES_KEPT = 5_000


class Change(NamedTuple):
    """What one commit changed of one task. A tuple is fast to pickle."""

    version: int
    task_id: str
    #: None: the task is deleted
    row: TaskRow | None
    #: the newest events of the task; older ones may be left out
    events: list[Event]


@dataclass(frozen=True)
class FeedPage:
    #: id of the feed, which changes when the TaskManager restarts
    incarnation: str
    #: `after` of the next call of `read`
    version: int
    #: oldest first
    changes: list[Change]
    #: the reader must discard its copy: this page is the first one of the whole table
    restarts: bool
    #: deletions up to this version are no longer remembered
    forgotten_version: int
    #: there are no changes after this page yet
    is_last: bool
    #: the service is stopping: no changes will follow
    is_over: bool


class TaskFeed:
    def __init__(self, incarnation: str | None = None, forgotten_version: int = 0) -> None:
        """Create an empty feed. A feed that repeats another one gets its values and publishes its versions."""
        self.incarnation = incarnation or uuid.uuid4().hex
        self._version = 0
        #: version of the last change of each task, and its row; None for a deleted task
        self._latest: dict[str, tuple[int, TaskRow | None]] = {}
        #: version and task id of every change, ascending; only the last change of each task counts
        self._changes: list[tuple[int, str]] = []
        #: the newest changes that have events
        self._eventful: deque[Change] = deque(maxlen=EVENTFUL_CHANGES_KEPT)
        self._deletions = 0
        #: a reader below this version has missed deletions that are no longer remembered
        self._forgotten_version = forgotten_version
        self._is_over = False
        self._news = asyncio.Event()

    def rows(self) -> Iterator[TaskRow]:
        return (row for _, row in self._latest.values() if row is not None)

    def get(self, task_id: str) -> TaskRow | None:
        return self._latest.get(task_id, (0, None))[1]

    def publish(self, change: Change) -> None:
        """Show a change to all readers. Versions ascend."""
        if change.row is None:
            self._deletions += 1
        self._version = change.version
        self._latest[change.task_id] = (change.version, change.row)
        self._changes.append((change.version, change.task_id))
        if change.events:
            self._eventful.append(change)
        if self._deletions > DELETIONS_KEPT or len(self._changes) > 2 * len(self._latest) + PAGE:
            self._forget_what_no_longer_counts()
        self.wake()

    def end(self) -> None:
        """Announce to all readers that the service is stopping."""
        self._is_over = True
        self.wake()

    async def read(self, incarnation: str, after: int, wait_s: float) -> FeedPage:
        """The changes after version `after`, oldest first.

        Args:
            incarnation: The feed's id in the reader's last page. With another id the reader starts over.
            after: The version in the reader's last page; 0 for none.
            wait_s: How long to wait for a change if there is none yet.
        """
        restarts = incarnation != self.incarnation or 0 < after < self._forgotten_version or after > self._version
        if restarts:
            after = 0
        elif after >= self._version and wait_s > 0 and not self._is_over:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait_s)
        return self._page(after, restarts)

    def wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _page(self, after: int, restarts: bool) -> FeedPage:
        events = {} if restarts else self._events_after(after)
        changes: list[Change] = []
        version = self._version
        for index in range(bisect_right(self._changes, after, key=lambda change: change[0]), len(self._changes)):
            changed, task_id = self._changes[index]
            latest, row = self._latest[task_id]
            if latest != changed:
                continue
            if len(changes) == PAGE:
                version = changes[-1].version
                break
            news = events.get((task_id, row.number), []) if row is not None and events else []
            changes.append(Change(changed, task_id, row, news))
        return FeedPage(
            self.incarnation,
            version,
            changes,
            restarts,
            self._forgotten_version,
            is_last=version >= self._version,
            is_over=self._is_over,
        )

    def _events_after(self, version: int) -> dict[tuple[str, int], list[Event]]:
        """The kept events of later versions, by id and number of the task: an id may be used again."""
        later = []
        for change in reversed(self._eventful):
            if change.version <= version:
                break
            later.append(change)
        events: dict[tuple[str, int], list[Event]] = {}
        for change in reversed(later):
            if change.row is not None:
                events.setdefault((change.task_id, change.row.number), []).extend(change.events)
        return events

    def _forget_what_no_longer_counts(self) -> None:
        if self._deletions > DELETIONS_KEPT:
            for task_id in [task_id for task_id, (_, row) in self._latest.items() if row is None]:
                self._forgotten_version = max(self._forgotten_version, self._latest.pop(task_id)[0])
            self._deletions = 0
        self._changes = [
            (version, task_id)
            for version, task_id in self._changes
            if task_id in self._latest and self._latest[task_id][0] == version
        ]
