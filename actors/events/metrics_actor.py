"""MetricsActor: every task's log and metric events: numbered, stored, and handed to whoever waits for them.

The first entry of a log was stored with its task, by the TaskManager.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

from actors.events.event_log import Event, EventLog, EventReport, EventRow, is_final
from actors.events.gauges import RunGauges
from actors.store.store import Store
from actors.tasks.batching import GroupCommit

#: logs of ended tasks that stay in memory
KEPT_LOGS = 100


@dataclass(frozen=True)
class EventPage:
    events: list[Event]
    #: whether the stream's last event is among them, or was before them
    is_last: bool
    #: of the log as it stands
    last_sequence: int


class MetricsActor:
    def __init__(self, database_url: str) -> None:
        self._store = Store(database_url)
        self._commit: GroupCommit[EventRow] = GroupCommit(self._store.append_events)
        self._logs: dict[str, EventLog] = {}
        #: those of ended tasks, the one that was used last at the end
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._loading = asyncio.Lock()
        self._news: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._gauges = RunGauges()

    async def append(self, report: EventReport) -> None:
        """Add the entries of one source; a repeated call adds nothing.

        Returns when they are stored. What comes after a stream's last event is dropped.
        """
        await self._load([report.task_id])
        await self._append(report, self._loaded(report.task_id))

    async def _append(self, report: EventReport, log: EventLog) -> None:
        task_id, source, first_index, entries = report
        rows = log.number(task_id, source, first_index, entries)
        if not rows:
            self._keep(task_id, log)
            return
        try:
            await self._commit.write(rows)
        except Exception:
            # Begin again from what is stored; the source repeats its call.
            self._logs.pop(task_id, None)
            raise
        log.show((row.sequence, row.entry) for row in rows)
        self._keep(task_id, log)
        self._gauges.show(task_id, entries)
        self._news.pop(task_id, asyncio.Event()).set()

    async def append_together(self, reports: Sequence[EventReport]) -> "list[Exception | None]":
        """Several calls of `append` in one; for each the error that it would have raised."""
        try:
            await self._load({report.task_id for report in reports})
        except Exception as error:
            return [error] * len(reports)
        # All logs are taken at once: others may leave the memory while the first reports are added.
        adding = [self._append(report, self._loaded(report.task_id)) for report in reports]
        errors = await asyncio.gather(*adding, return_exceptions=True)
        return [cast("Exception | None", error) for error in errors]

    async def read(self, task_id: str, after: int = 0, limit: int = 1000, wait_s: float = 0) -> EventPage:
        """Events behind sequence number `after`; where there are none yet, wait for one up to `wait_s`."""
        log = await self._log(task_id)
        if log.last_sequence <= after and not log.is_closed and wait_s > 0:
            try:
                await asyncio.wait_for(self._news[task_id].wait(), wait_s)
            except TimeoutError:
                return EventPage([], is_last=False, last_sequence=log.last_sequence)
            log = await self._log(task_id)
        events = log.read(after, limit)
        if events is None:
            events = await asyncio.to_thread(self._store.read_events, task_id, after, limit)
        # The last event may be in the store some moments before the log knows.
        if events and is_final(events[-1][1]):
            return EventPage(events, is_last=True, last_sequence=events[-1][0])
        reached = events[-1][0] if events else after
        return EventPage(events, log.is_closed and reached >= log.last_sequence, log.last_sequence)

    async def forget(self, task_ids: Sequence[str]) -> None:
        """The tasks were deleted: drop their events and wake their readers."""
        await asyncio.to_thread(self._store.delete_events, task_ids)
        async with self._loading:  # else one that is being read from the store would come back
            for task_id in task_ids:
                self._logs.pop(task_id, None)
                self._closed.pop(task_id, None)
        for task_id in task_ids:
            self._news.pop(task_id, asyncio.Event()).set()

    async def closed_streams(self) -> set[str]:
        """The tasks whose last event is stored."""
        return await asyncio.to_thread(self._store.closed_streams)

    async def last_epoch(self, task_id: str) -> int:
        """The epoch of this training whose end was stored last; 0 when none was."""
        return await asyncio.to_thread(self._store.last_epoch, task_id)

    async def ping(self) -> None:
        """Answers when the actor is up."""

    async def _log(self, task_id: str) -> EventLog:
        """For readers. An empty one is not kept: there is no such task, but a new one may get its id."""
        await self._load([task_id])
        log = self._logs.get(task_id, EventLog())
        self._keep(task_id, log)
        return log

    async def _load(self, task_ids: Collection[str]) -> None:
        """Bring the logs of these tasks into memory, as far as something of them is stored."""
        if all(task_id in self._logs for task_id in task_ids):
            return
        async with self._loading:
            missing = [task_id for task_id in task_ids if task_id not in self._logs]
            for task_id, log in (await asyncio.to_thread(_stored_logs, self._store, missing)).items():
                self._logs.setdefault(task_id, log)  # a report may have begun one meanwhile

    def _loaded(self, task_id: str) -> EventLog:
        """To be added to: a new one where nothing is stored."""
        return self._logs.setdefault(task_id, EventLog())

    def _keep(self, task_id: str, log: EventLog) -> None:
        """Those of tasks that live, once they were used, and of the ended ones those that were used last."""
        if not log.is_closed:
            return
        self._closed[task_id] = None
        self._closed.move_to_end(task_id)
        while len(self._closed) > KEPT_LOGS:
            oldest, _ = self._closed.popitem(last=False)
            if (kept := self._logs.get(oldest)) and kept.is_closed:  # its id may be a new task's by now
                del self._logs[oldest]


def _stored_logs(store: Store, task_ids: Sequence[str]) -> dict[str, EventLog]:
    seen = store.last_source_indexes(task_ids)
    return {
        task_id: EventLog(sequence, is_final(entry), seen=seen[task_id])
        for task_id, (sequence, entry) in store.last_events(task_ids).items()
    }
