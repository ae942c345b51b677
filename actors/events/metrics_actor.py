"""MetricsActor: numbers and stores the events of every task, and delivers them to waiting readers.

The TaskManager stores the first event of a log, together with the task.
"""

import asyncio
import logging
from collections import OrderedDict, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

from actors.batching import GroupCommit
from actors.events.event_log import Entry, Event, EventLog, EventReport, EventRow, is_final
from actors.events.gauges import RunGauges
from actors.store.store import Store
from rfuav_ray.logs import write_to_log_file
from rfuav_ray.settings import Settings

logger = logging.getLogger(__name__)

#: number of logs of ended tasks that stay in memory
KEPT_LOGS = 100


@dataclass(frozen=True)
class EventPage:
    events: list[Event]
    #: whether the stream's last event is in this page or before it
    is_last: bool
    #: sequence number of the log's newest event
    last_sequence: int


class MetricsActor:
    def __init__(self, database_url: str, settings: Settings) -> None:
        write_to_log_file(settings)
        self._store = Store(database_url)
        self._commit: GroupCommit[EventRow] = GroupCommit(self._store.append_events)
        self._logs: dict[str, EventLog] = {}
        #: ids of the logs of ended tasks, the most recently used one last
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._loading = asyncio.Lock()
        self._news: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._gauges = RunGauges()

    async def append(self, report: EventReport) -> None:
        """Add the entries of one source. Returns when they are stored.

        A repeated call adds nothing. Entries after the stream's last event are dropped.
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
            # Next time the log is loaded from the store again. The source repeats its call.
            self._logs.pop(task_id, None)
            raise
        log.show((row.sequence, row.entry) for row in rows)
        self._keep(task_id, log)
        self._gauges.show(task_id, entries)
        _log_warnings(task_id, entries)
        self._news.pop(task_id, asyncio.Event()).set()

    async def append_batch(self, reports: Sequence[EventReport]) -> "list[Exception | None]":
        """Do several calls of `append` in one.

        Returns:
            For each report the error that `append` would have raised, or None.
        """
        try:
            await self._load({report.task_id for report in reports})
        except Exception as error:
            return [error] * len(reports)
        # Get all logs before the first await: logs may be dropped from memory while the first reports are added.
        adding = [self._append(report, self._loaded(report.task_id)) for report in reports]
        errors = await asyncio.gather(*adding, return_exceptions=True)
        return [cast("Exception | None", error) for error in errors]

    async def read(self, task_id: str, after: int = 0, limit: int = 1000, wait_s: float = 0) -> EventPage:
        """At most `limit` events after sequence number `after`. If there are none, wait up to `wait_s` for one."""
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
        # The store may hold the last event shortly before the log shows it.
        if events and is_final(events[-1][1]):
            return EventPage(events, is_last=True, last_sequence=events[-1][0])
        reached = events[-1][0] if events else after
        return EventPage(events, log.is_closed and reached >= log.last_sequence, log.last_sequence)

    async def forget(self, task_ids: Sequence[str]) -> None:
        """Drop the events of deleted tasks, and wake their readers."""
        await asyncio.to_thread(self._store.delete_events, task_ids)
        async with self._loading:  # else a log that is being loaded would come back
            for task_id in task_ids:
                self._logs.pop(task_id, None)
                self._closed.pop(task_id, None)
        for task_id in task_ids:
            self._news.pop(task_id, asyncio.Event()).set()

    async def closed_streams(self) -> set[str]:
        """The ids of the tasks whose stream's last event is stored."""
        return await asyncio.to_thread(self._store.closed_streams)

    async def last_epoch(self, task_id: str) -> int:
        """The last epoch of this training whose end is stored; 0 without any."""
        return await asyncio.to_thread(self._store.last_epoch, task_id)

    async def ping(self) -> None:
        """Answer as soon as the actor is up."""

    async def _log(self, task_id: str) -> EventLog:
        """The log for a reader. An empty log is not kept: no such task exists, and a new task may get the id."""
        await self._load([task_id])
        log = self._logs.get(task_id, EventLog())
        self._keep(task_id, log)
        return log

    async def _load(self, task_ids: Collection[str]) -> None:
        """Load the stored logs of these tasks into memory."""
        if all(task_id in self._logs for task_id in task_ids):
            return
        async with self._loading:
            missing = [task_id for task_id in task_ids if task_id not in self._logs]
            for task_id, log in (await asyncio.to_thread(_stored_logs, self._store, missing)).items():
                self._logs.setdefault(task_id, log)  # a report may have created one meanwhile

    def _loaded(self, task_id: str) -> EventLog:
        """The log for a writer: a new one if nothing is stored."""
        return self._logs.setdefault(task_id, EventLog())

    def _keep(self, task_id: str, log: EventLog) -> None:
        """Drop the least recently used logs of ended tasks from memory. All other logs stay."""
        if not log.is_closed:
            return
        self._closed[task_id] = None
        self._closed.move_to_end(task_id)
        while len(self._closed) > KEPT_LOGS:
            oldest, _ = self._closed.popitem(last=False)
            if (kept := self._logs.get(oldest)) and kept.is_closed:  # a new task may have this id by now
                del self._logs[oldest]


def _log_warnings(task_id: str, entries: Sequence[Entry]) -> None:
    """Copy warnings and errors to LOG_FILE, where an operator looks for them."""
    for entry in entries:
        if (level := entry.get("level")) in ("WARNING", "ERROR"):
            logger.log(logging.getLevelNamesMapping()[level], "task %s: %s", task_id, entry["message"])


def _stored_logs(store: Store, task_ids: Sequence[str]) -> dict[str, EventLog]:
    seen = store.last_source_indexes(task_ids)
    return {
        task_id: EventLog(sequence, is_final(entry), seen=seen[task_id])
        for task_id, (sequence, entry) in store.last_events(task_ids).items()
    }
