"""Commits the changes of tasks and of their logs, then publishes them. What waits together shares one commit."""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from actors.background import RETRY_S, Jobs
from actors.events.window import Entry, Event
from actors.store.row import TaskRow, row_of
from actors.store.store import EventRow, Store
from actors.tasks.feed import Change, TaskFeed
from rfuav_ray.tasks import TaskRecord

logger = logging.getLogger(__name__)


@dataclass
class _Pending:
    """The changes of one task since its last commit. The commit stores the task's newest record."""

    events: list[Event] = field(default_factory=list)
    #: must survive a restart; otherwise it is only shown, because the run reports it again
    is_durable: bool = False
    waiting: list["asyncio.Future[None]"] = field(default_factory=list)

    def followed_by(self, newer: "_Pending | None") -> "_Pending":
        if newer is None:
            return self
        return _Pending(
            self.events + newer.events, self.is_durable or newer.is_durable, self.waiting + newer.waiting
        )


@dataclass
class _Request:
    """New tasks or deleted tasks. They are stored at the next try, or not at all."""

    answer: "asyncio.Future[None]"
    added: Sequence[tuple[TaskRecord, Sequence[Entry]]] = ()
    deleted: Sequence[str] = ()
    #: called with the rows of the new tasks as soon as they are published
    on_stored: Callable[[list[TaskRow]], None] = lambda _: None


class HistoryWriter:
    """The only writer of tasks and of their logs."""

    def __init__(
        self,
        store: Store,
        feed: TaskFeed,
        newest: Callable[[str], TaskRecord],
        on_published: Callable[[Sequence[Change]], None],
    ) -> None:
        """Create an idle writer.

        Args:
            store: Where the changes are committed.
            feed: Where they are published after the commit.
            newest: Returns the newest record of a task with changes.
            on_published: Called with the changes that have just been published.
        """
        self._store = store
        self._feed = feed
        self._newest = newest
        self._on_published = on_published
        #: number of the last change of any task
        self.version = 0
        self._changes: dict[str, _Pending] = {}
        #: the changes that are being committed now
        self._committing: dict[str, _Pending] = {}
        self._requests: list[_Request] = []
        #: number of the last event, of tasks with events that are not committed
        self._last_sequences: dict[str, int] = {}
        self._jobs = Jobs()
        self._writing: asyncio.Task[None] | None = None

    def change(self, task_id: str, entries: Sequence[Entry] = (), *, durable: bool) -> None:
        """Commit the newest record of this task soon, together with new entries of its log."""
        pending = self._changes.setdefault(task_id, _Pending())
        pending.is_durable = pending.is_durable or durable or bool(entries)
        for entry in entries:
            sequence = self._last_sequence(task_id) + 1
            self._last_sequences[task_id] = sequence
            pending.events.append((sequence, _as_json(entry)))
        self._wake()

    def is_pending(self, task_id: str) -> bool:
        return task_id in self._changes

    async def stored(self, task_id: str) -> None:
        """Wait until all changes so far of this task are on disk. Tries are repeated until then."""
        pending = self._changes.get(task_id) or self._committing.get(task_id)
        if pending is not None:
            stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            pending.waiting.append(stored)
            await stored

    async def add(
        self,
        new_tasks: Sequence[tuple[TaskRecord, Sequence[Entry]]],
        on_stored: Callable[[list[TaskRow]], None],
    ) -> None:
        """Store new tasks, each with the first entries of its log: all or none. Raises the store's error."""
        await self._ask(_Request(asyncio.get_running_loop().create_future(), added=new_tasks, on_stored=on_stored))

    async def delete(self, task_ids: Sequence[str]) -> None:
        """Delete tasks and their logs: all of them or none. Raises the store's error."""
        await self._ask(_Request(asyncio.get_running_loop().create_future(), deleted=task_ids))

    async def flush(self, timeout_s: float) -> None:
        """Wait until no change waits, at most `timeout_s` seconds."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=timeout_s)

    async def _ask(self, request: _Request) -> None:
        self._requests.append(request)
        self._wake()
        await request.answer

    def _wake(self) -> None:
        self._writing = self._jobs.keep("the writer of tasks and logs", self._write_all)

    async def _write_all(self) -> None:
        while self._changes or self._requests:
            self._committing, self._changes = self._changes, {}
            requests, self._requests = self._requests, []
            try:
                is_stored = await self._write(self._committing, requests)
            except Exception as error:  # a bug. Nobody may wait for ever for what it has spoilt
                spoilt = [stored for pending in self._committing.values() for stored in pending.waiting]
                for answer in [*spoilt, *(request.answer for request in requests)]:
                    _answer(answer, error)
                raise
            finally:
                self._committing = {}
            if not is_stored:
                await asyncio.sleep(RETRY_S)

    async def _write(self, changes: dict[str, _Pending], requests: list[_Request]) -> bool:
        """Commit and publish. Returns whether everything is stored; otherwise the changes wait for a next try."""
        changed = [self._changed(task_id, pending) for task_id, pending in changes.items()]
        added = [[self._added(task, entries) for task, entries in request.added] for request in requests]
        deleted = [self._deleted(task_id) for request in requests for task_id in request.deleted]
        durable = [change for change in changed if changes[change.task_id].is_durable]
        try:
            if durable or requests:
                await asyncio.to_thread(self._commit, [*durable, *chain(*added)], deleted)
        except Exception as error:
            logger.warning("the changes of %d tasks could not be stored: %s", len(durable) + len(requests), error)
            for request in requests:
                _answer(request.answer, error)
            self._publish([change for change in changed if not changes[change.task_id].is_durable])
            for change in durable:
                task_id = change.task_id
                self._changes[task_id] = changes[task_id].followed_by(self._changes.get(task_id))
            return False
        self._publish([*changed, *chain(*added), *deleted])
        for pending in changes.values():
            for stored in pending.waiting:
                _answer(stored)
        for request, news in zip(requests, added, strict=True):
            try:
                request.on_stored([new.row for new in news if new.row is not None])
            except Exception as error:
                logger.exception("new tasks are stored, but cannot be queued before the next restart")
                _answer(request.answer, error)
            else:
                _answer(request.answer)
        return True

    def _commit(self, changes: Sequence[Change], deleted: Sequence[Change]) -> None:
        rows = [change.row for change in changes if change.row is not None]
        events = [EventRow(change.task_id, *event) for change in changes for event in change.events]
        self._store.commit(rows, events, [change.task_id for change in deleted])

    def _publish(self, changes: Sequence[Change]) -> None:
        for change in sorted(changes):
            self._feed.publish(change)
            if change.task_id not in self._changes:  # else the change that waits may have events
                self._last_sequences.pop(change.task_id, None)
        self._on_published(changes)

    def _changed(self, task_id: str, pending: _Pending) -> Change:
        row = row_of(self._numbered(self._newest(task_id)), self._last_sequence(task_id))
        return Change(row.version, task_id, row, pending.events)

    def _added(self, task: TaskRecord, entries: Sequence[Entry]) -> Change:
        row = row_of(self._numbered(task), last_sequence=len(entries))
        return Change(row.version, row.id, row, list(enumerate(map(_as_json, entries), start=1)))

    def _deleted(self, task_id: str) -> Change:
        self.version += 1
        return Change(self.version, task_id, None, [])

    def _numbered(self, task: TaskRecord) -> TaskRecord:
        self.version += 1
        return task.model_copy(update={"version": self.version})

    def _last_sequence(self, task_id: str) -> int:
        if (known := self._last_sequences.get(task_id)) is not None:
            return known
        row = self._feed.get(task_id)
        return 0 if row is None else row.last_sequence


def _as_json(entry: Entry) -> str:
    return json.dumps(entry, ensure_ascii=False)


def _answer(answer: "asyncio.Future[None]", error: Exception | None = None) -> None:
    if answer.done():  # the caller has gone
        return
    if error is None:
        answer.set_result(None)
    else:
        answer.set_exception(error)
