"""A replica's copy of the task table. The feed of tasks updates it, so reads need no actor call."""

import asyncio
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain

from actors.store.row import TaskRow, record_of
from actors.tasks.feed import Change, FeedPage
from actors.tasks.queue import TaskQueue
from rfuav_ray.tasks import LIVE_STATUSES, TaskRecord, TaskStatus
from serve_app.view.cached_json import Encoded, encoded_task


class TaskCopy:
    """The tasks by id, and their submission numbers by kind and status, in ascending order."""

    def __init__(self) -> None:
        self._rows: dict[str, TaskRow] = {}
        self._numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._id_of: dict[int, str] = {}
        self._waiting = TaskQueue()

    def get(self, task_id: str) -> TaskRecord | None:
        row = self._rows.get(task_id)
        return None if row is None else record_of(row)

    def encoded(self, task_id: str, kind: str | None = None) -> Encoded | None:
        """The task as clients get it; None when there is no such task or it is of another kind."""
        row = self._rows.get(task_id)
        if row is None or (kind is not None and row.kind != kind):
            return None
        return self.encode(row)

    def row(self, task_id: str) -> TaskRow | None:
        return self._rows.get(task_id)

    def encode(self, row: TaskRow) -> Encoded:
        is_waiting = row.status == TaskStatus.PENDING.value
        return encoded_task(row, self.queue_position(record_of(row)) if is_waiting else None)

    def count(self, kinds: Collection[str] | None, statuses: Collection[str] | None) -> int:
        """Count the tasks of these kinds and statuses; None stands for all."""
        return sum(map(len, self._lists(kinds, statuses)))

    def newest(
        self, kinds: Collection[str] | None, statuses: Collection[str] | None, *, offset: int, limit: int
    ) -> list[tuple[str, Encoded]]:
        """One page of the tasks of these kinds and statuses, newest first.

        Args:
            kinds: the wanted kinds; None stands for all.
            statuses: the wanted statuses; None stands for all.
            offset: how many newer tasks to skip.
            limit: the size of the page.

        Returns:
            The kind of each task, and the task as clients get it.
        """
        rows = self._rows_of(_page(self._lists(kinds, statuses), offset, limit))
        return [(row.kind, self.encode(row)) for row in rows]

    def newest_and_live(self, limit: int) -> list[TaskRow]:
        """The newest `limit` tasks and all older tasks that are pending or running, newest first."""
        newest = _page(self._lists(None, None), 0, limit)
        return self._rows_of(sorted({*newest, *chain(*self._lists(None, LIVE_STATUSES))}, reverse=True))

    def rows(self, kinds: Collection[str] | None, statuses: Collection[str] | None) -> list[TaskRow]:
        """All tasks of these kinds and statuses; None stands for all."""
        return self._rows_of(chain(*self._lists(kinds, statuses)))

    def queue_position(self, task: TaskRecord) -> int | None:
        """The task's position among those that compete for its slots, from 1; None when it does not wait."""
        return self._waiting.position(task) if task.id in self._waiting else None

    def put(self, row: TaskRow) -> None:
        """Store a task's state, unless a newer state is known."""
        known = self._rows.get(row.id)
        if known is not None:
            # A different number means that the task was deleted and another task has its id.
            if known.number == row.number and known.version >= row.version:
                return
            self.drop(row.id)
        self._rows[row.id] = row
        self._id_of[row.number] = row.id
        insort(self._numbers[row.kind, row.status], row.number)
        if row.status == TaskStatus.PENDING.value:
            self._waiting.put(record_of(row))

    def apply(self, change: Change) -> None:
        if change.row is None:
            self.drop(change.task_id)
        else:
            self.put(change.row)

    def drop(self, task_id: str) -> None:
        row = self._rows.pop(task_id, None)
        if row is None:
            return
        numbers = self._numbers[row.kind, row.status]
        del numbers[bisect_left(numbers, row.number)]
        del self._id_of[row.number]
        self._waiting.discard(task_id)

    def _rows_of(self, numbers: Iterable[int]) -> list[TaskRow]:
        return [self._rows[self._id_of[number]] for number in numbers]

    def _lists(self, kinds: Collection[str] | None, statuses: Collection[str] | None) -> list[list[int]]:
        return [
            numbers
            for (kind, status), numbers in self._numbers.items()
            if (kinds is None or kind in kinds) and (statuses is None or status in statuses)
        ]


def _page(lists: Sequence[Sequence[int]], offset: int, limit: int) -> list[int]:
    """The numbers of one page in descending order, from lists in ascending order."""
    candidates = range(-1, 1 + max((numbers[-1] for numbers in lists if numbers), default=0))
    # A binary search, not a count: the last page of 100,000 tasks takes no longer than the first.
    first = candidates[bisect_left(candidates, -offset, key=lambda number: -_newer_than(number, lists))]
    ends = [bisect_right(numbers, first) for numbers in lists]
    page = [n for numbers, end in zip(lists, ends, strict=True) for n in numbers[max(0, end - limit) : end]]
    return sorted(page, reverse=True)[:limit]


def _newer_than(number: int, lists: Sequence[Sequence[int]]) -> int:
    return sum(len(numbers) - bisect_right(numbers, number) for numbers in lists)


class TaskView:
    """The copy that requests read. A feed that restarts fills a second copy, which then replaces the first."""

    def __init__(self) -> None:
        self.copy = TaskCopy()
        self._coming: TaskCopy | None = None
        #: called with the changes of tasks after they are in the copy
        self.on_change: list[Callable[[Sequence[Change]], None]] = []
        #: the same for changes of the feed alone, which come with the events of the tasks' logs
        self.on_feed: list[Callable[[Sequence[Change]], None]] = []
        #: called when a new copy has replaced the old one: any task may have changed
        self.on_new_copy: list[Callable[[], None]] = []
        #: called when the service stops: there will be no more changes
        self.on_end: list[Callable[[], None]] = []
        #: set when the first copy is complete
        self.is_ready = asyncio.Event()

    def put(self, row: TaskRow) -> None:
        """Show what the TaskManager has answered to a request of this replica, before the feed brings it."""
        self._show([Change(row.version, row.id, row, [])])

    def drop(self, task_id: str) -> None:
        self._show([Change(0, task_id, None, [])])

    def apply(self, page: FeedPage) -> None:
        """Show a page of the feed."""
        if page.restarts:
            # The feed sends the stored table. State that only the old copy has was never stored.
            self._coming = TaskCopy()
        if self._coming is None:
            self._show(page.changes)
            for show in self.on_feed:
                show(page.changes)
        else:
            for change in page.changes:
                self._coming.apply(change)
            if page.is_last:
                self.copy, self._coming = self._coming, None
                for renew in self.on_new_copy:
                    renew()
        if page.is_last:
            self.is_ready.set()
            if page.is_over:
                for end in self.on_end:
                    end()

    def _show(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.copy.apply(change)
            if self._coming is not None:
                self._coming.apply(change)
        for show in self.on_change:
            show(changes)
