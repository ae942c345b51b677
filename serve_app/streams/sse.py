"""Event streams of single tasks. The feed of tasks brings new events, the store has the older ones.

A task's row has the number of its last event: a stream is complete when it has sent this event and the task has
ended.
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from actors.events.window import Event, EventWindow
from actors.store.row import TaskRow
from actors.tasks.feed import Change
from rfuav_ray.errors import ServiceBusy, service_stopping
from rfuav_ray.tasks import ENDED_STATUSES
from serve_app.view.task_view import TaskView

logger = logging.getLogger(__name__)

#: After this much silence, a comment line keeps proxies from closing the connection.
HEARTBEAT_S = 15.0
RETRY_S = 0.5
#: Reads that are not streams wait as long as clients do. Streams wait without a limit.
READS_WAIT_S = 20.0
PAGE = 500


class Followed:
    """A task that at least one client follows."""

    def __init__(self) -> None:
        self.window = EventWindow()
        self.clients = 0
        self.news = asyncio.Event()

    def wake(self) -> None:
        self.news.set()
        self.news = asyncio.Event()


class TaskStreams:
    def __init__(self, metrics_actor: Any, view: TaskView) -> None:
        """Create streams without clients.

        Args:
            metrics_actor: the actor that reads events from the store.
            view: the copy of the tasks. It also brings the new events.
        """
        self._metrics_actor = metrics_actor
        self._view = view
        self._followed: dict[str, Followed] = {}
        self._is_over = False
        # Not on_change: without its events a change would send each stream to the store.
        view.on_feed.append(self._show)
        view.on_new_copy.append(self._restart)
        view.on_end.append(self.end)

    @property
    def client_count(self) -> int:
        return sum(followed.clients for followed in self._followed.values())

    def position(self, task_id: str, after: int) -> int | None:
        """Find the position at which a stream behind `after` begins.

        Returns:
            `after`, or the log's last sequence number when that is lower. None when the log has ended and has no
            event behind `after`.
        """
        row = self._view.copy.row(task_id)
        if row is None or (row.status in ENDED_STATUSES and row.last_sequence <= after):
            return None
        return min(after, row.last_sequence)

    async def history(self, task_id: str, after: int, limit: int) -> list[str]:
        """The log entries behind `after`, as JSON texts. Raises ServiceBusy when the store does not answer."""
        row = self._view.copy.row(task_id)
        missing = min(limit, 0 if row is None else row.last_sequence - after)
        if missing <= 0:
            return []
        return [entry for _, entry in await self._stored(task_id, after, missing, READS_WAIT_S)]

    async def stream(self, task_id: str, after: int) -> AsyncGenerator[str, None]:
        """Yield each event behind `after` exactly once, as server-sent events, up to the task's last event.

        Args:
            task_id: the task's id.
            after: a position that `position` returned. A position beyond the log's end is never reached.
        """
        followed = self._followed.setdefault(task_id, Followed())
        followed.clients += 1
        try:
            async for text in self._read(followed, task_id, after):
                yield text
        finally:
            followed.clients -= 1
            if followed.clients == 0:
                self._followed.pop(task_id, None)

    def end(self) -> None:
        """End all streams in good order, because the service is stopping."""
        self._is_over = True
        for followed in self._followed.values():
            followed.wake()

    def refuse_when_over(self) -> None:
        """Raise ServiceBusy when the service is stopping."""
        if self._is_over:
            raise service_stopping()

    async def _read(self, followed: Followed, task_id: str, position: int) -> AsyncGenerator[str, None]:
        first = self._view.copy.row(task_id)
        while (row := self._view.copy.row(task_id)) is not None:
            if first is None or row.number != first.number:  # deleted, and another task has its id
                return
            if position < row.last_sequence:
                events = await self._events(followed, row, position)
                if not events:  # the task has just been deleted, and the copy does not know it yet
                    await asyncio.sleep(RETRY_S)
                    continue
                yield "".join(map(_format, events))
                position = events[-1][0]
            elif row.status in ENDED_STATUSES or self._is_over:
                return
            else:
                try:
                    await asyncio.wait_for(followed.news.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield ": still here\n\n"

    async def _events(self, followed: Followed, row: TaskRow, position: int) -> list[Event]:
        limit = min(PAGE, row.last_sequence - position)
        events = followed.window.read(position, limit)
        return await self._stored(row.id, position, limit) if events is None else events

    async def _stored(
        self, task_id: str, after: int, limit: int, give_up_after_s: float = math.inf
    ) -> list[Event]:
        """Read events from the store. Asks again while the actor restarts, or its store does not answer."""
        give_up_at_s = time.monotonic() + give_up_after_s
        while True:
            try:
                events: list[Event] = await self._metrics_actor.history.remote(task_id, after, limit)
            except RayError as error:
                if time.monotonic() > give_up_at_s:
                    raise _busy(error) from None
                # When a client disconnects, Serve cancels the actor calls that its request has made.
                if not isinstance(error, TaskCancelledError):
                    logger.warning("the metrics actor does not answer, trying again: %s", error)
                await asyncio.sleep(RETRY_S)
            else:
                return events

    def _show(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if followed := self._followed.get(change.task_id):
                if change.row is None:  # another task may get the id
                    followed.window = EventWindow()
                followed.window.show(change.events)
                followed.wake()

    def _restart(self) -> None:
        for followed in self._followed.values():
            followed.window = EventWindow()
            followed.wake()


def _busy(error: RayError) -> ServiceBusy:
    """The ServiceBusy error that the actor raised, or a new one when it did not answer."""
    cause = error.cause if isinstance(error, RayTaskError) else None
    return cause if isinstance(cause, ServiceBusy) else ServiceBusy("The log cannot be read now. Try again.", 2)


def _format(event: Event) -> str:
    sequence, entry = event
    return f"id: {sequence}\ndata: {entry}\n\n"
