"""The latest version of every task, for readers that keep a local copy. Pure; knows nothing of Ray."""

import asyncio
import uuid
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from actors.tasks.row import TaskRow

#: changes in one page: a large table travels in parts
PAGE = 2000
#: how many deleted tasks are remembered; a reader that is farther behind begins anew
DELETIONS_KEPT = 10_000


@dataclass(frozen=True)
class FeedPage:
    #: changes when the feed begins anew
    incarnation: str
    #: where the next page goes on
    version: int
    rows: list[TaskRow]
    deleted: list[str]
    #: the reader's copy is of no use: this page is the first of the whole table
    begins_anew: bool
    #: there is nothing behind this page for now
    is_last: bool
    #: the service is stopping: nothing will follow
    is_over: bool


class TaskFeed:
    def __init__(self) -> None:
        self._incarnation = uuid.uuid4().hex
        self._version = 0
        #: None stands for a deleted task
        self._latest: dict[str, tuple[int, TaskRow | None]] = {}
        #: version and task of every change, ascending; only the last one of each task counts
        self._changes: list[tuple[int, str]] = []
        self._deletions = 0
        #: readers that have not come so far missed deletions that were forgotten
        self._forgotten_version = 0
        self._is_over = False
        self._news = asyncio.Event()

    def rows(self) -> Iterator[TaskRow]:
        return (row for _, row in self._latest.values() if row is not None)

    def get(self, task_id: str) -> TaskRow | None:
        return self._latest.get(task_id, (0, None))[1]

    def publish(self, row: TaskRow) -> None:
        """Show the task's new state."""
        shown = self.get(row.id)
        if shown is None or shown.version <= row.version:  # else a newer state came first
            self._change(row.id, row)

    def delete(self, task_id: str) -> None:
        if self.get(task_id) is not None:
            self._deletions += 1
            self._change(task_id, None)

    def end(self) -> None:
        """Tell all readers that the service is stopping."""
        self._is_over = True
        self._wake()

    async def read(self, incarnation: str, after: int, wait_s: float) -> FeedPage:
        """What changed behind version `after`, oldest first; waits up to `wait_s` where nothing did."""
        begins_anew = incarnation != self._incarnation or 0 < after < self._forgotten_version
        if begins_anew:
            after = 0
        elif after >= self._version and wait_s > 0 and not self._is_over:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait_s)
        return self._page(after, begins_anew)

    def _page(self, after: int, begins_anew: bool) -> FeedPage:
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
        return FeedPage(self._incarnation, version, rows, deleted, begins_anew, is_last, self._is_over)

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
