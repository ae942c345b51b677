"""The latest version of every task, for readers that keep a local copy. No Ray, no I/O."""

import asyncio
import uuid
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from actors.tasks.row import TaskRow

#: number of changes in one page: a large table travels in parts
PAGE = 2000
#: number of deleted tasks that are remembered; a reader that is further behind starts over
DELETIONS_KEPT = 10_000


@dataclass(frozen=True)
class FeedPage:
    #: id of the feed, which changes when the TaskManager restarts
    incarnation: str
    #: `after` of the next call of `read`
    version: int
    rows: list[TaskRow]
    deleted: list[str]
    #: the reader must discard its copy: this page is the first one of the whole table
    restarts: bool
    #: there are no changes after this page yet
    is_last: bool
    #: the service is stopping: no changes will follow
    is_over: bool


class TaskFeed:
    def __init__(self) -> None:
        self._incarnation = uuid.uuid4().hex
        self._version = 0
        #: version of the last change of each task, and its row; None for a deleted task
        self._latest: dict[str, tuple[int, TaskRow | None]] = {}
        #: version and task id of every change, ascending; only the last change of each task counts
        self._changes: list[tuple[int, str]] = []
        self._deletions = 0
        #: a reader below this version has missed deletions that are no longer remembered
        self._forgotten_version = 0
        self._is_over = False
        self._news = asyncio.Event()

    def rows(self) -> Iterator[TaskRow]:
        return (row for _, row in self._latest.values() if row is not None)

    def get(self, task_id: str) -> TaskRow | None:
        return self._latest.get(task_id, (0, None))[1]

    def publish(self, row: TaskRow) -> None:
        """Show the task's new state, unless a newer one is shown."""
        shown = self.get(row.id)
        if shown is None or shown.version <= row.version:  # else a newer state arrived first
            self._change(row.id, row)

    def delete(self, task_id: str) -> None:
        if self.get(task_id) is not None:
            self._deletions += 1
            self._change(task_id, None)

    def end(self) -> None:
        """Announce to all readers that the service is stopping."""
        self._is_over = True
        self._wake()

    async def read(self, incarnation: str, after: int, wait_s: float) -> FeedPage:
        """The changes after version `after`, oldest first.

        Args:
            incarnation: The feed's id in the reader's last page. With another id the reader starts over.
            after: The version in the reader's last page; 0 for none.
            wait_s: How long to wait for a change if there is none yet.
        """
        restarts = incarnation != self._incarnation or 0 < after < self._forgotten_version
        if restarts:
            after = 0
        elif after >= self._version and wait_s > 0 and not self._is_over:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait_s)
        return self._page(after, restarts)

    def _page(self, after: int, restarts: bool) -> FeedPage:
        first = bisect_right(self._changes, after, key=lambda change: change[0])
        rows, deleted = [], []
        for index in range(first, len(self._changes)):
            version, task_id = self._changes[index]
            latest, row = self._latest[task_id]
            if latest != version:
                continue
            if row is None:
                deleted.append(task_id)
            else:
                rows.append(row)
            if len(rows) + len(deleted) >= PAGE:
                break
        else:
            version = self._version
        is_last = version >= self._version
        return FeedPage(self._incarnation, version, rows, deleted, restarts, is_last, self._is_over)

    def _change(self, task_id: str, row: TaskRow | None) -> None:
        self._version += 1
        self._latest[task_id] = (self._version, row)
        self._changes.append((self._version, task_id))
        if self._deletions > DELETIONS_KEPT or len(self._changes) > 2 * len(self._latest) + PAGE:
            self._forget_what_no_longer_counts()
        self._wake()

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

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
