"""Event streams: one subscription for each followed task, fanned out to any number of clients."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from actors.events.event_log import Event, EventWindow
from actors.events.metrics_actor import EventPage
from rfuav_ray.errors import ServiceBusy, service_stops

logger = logging.getLogger("rfuav.api")

#: a comment line after so much silence keeps proxies awake
HEARTBEAT_S = 15.0
POLL_S = 30.0
RETRY_S = 0.5
#: streams wait as long as it takes, other reads as long as clients do
READS_WAIT_S = 20.0
#: the end of a log waits so long for the task's record, as while a TaskManager is being restarted
END_WAIT_S = 10.0
PAGE = 500


class EventReader:
    def __init__(self, metrics_actor: Any, until_ended: Callable[[str], Awaitable[None]]) -> None:
        """`until_ended` returns when this replica no longer shows the task as one that lives."""
        self._metrics_actor = metrics_actor
        self._until_ended = until_ended

    async def page(
        self, task_id: str, after: int, limit: int, *, wait_s: float = 0, give_up_after_s: float = math.inf
    ) -> EventPage:
        """Asks again while the actor is being restarted, or has no answer from the store.

        The log's end is held back until the task's record, which comes another way, says the same.
        """
        give_up_at_s = time.monotonic() + give_up_after_s
        while True:
            try:
                page: EventPage = await self._metrics_actor.read.remote(task_id, after, limit, wait_s)
            except RayError as error:
                if time.monotonic() > give_up_at_s:
                    raise _busy(error) from None
                # When the first client leaves, Serve cancels what it had asked for; others may still follow.
                if not isinstance(error, TaskCancelledError):
                    logger.warning("the metrics actor does not answer, trying again: %s", error)
                await asyncio.sleep(RETRY_S)
                continue
            if page.is_last:
                await self._hold(task_id, max(RETRY_S, min(END_WAIT_S, give_up_at_s - time.monotonic())))
            return page

    async def _hold(self, task_id: str, at_most_s: float) -> None:
        try:
            await asyncio.wait_for(self._until_ended(task_id), at_most_s)
        except TimeoutError:
            logger.warning("the log of task %s has ended; that the task has is not known here yet", task_id)


class Follower:
    """Reads a task's events once for all its clients."""

    def __init__(self, reader: EventReader, task_id: str, after: int) -> None:
        self.window = EventWindow(last_sequence=after)
        self.clients = 0
        self.is_gone = False
        self._reader = reader
        self._task_id = task_id
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while not self.window.is_closed and not self.is_gone:
            page = await self._reader.page(self._task_id, self.window.last_sequence, PAGE, wait_s=POLL_S)
            self.window.show(page.events)
            self.window.is_closed = page.is_last
            self.wake()

    async def wait(self) -> None:
        """For news; raises TimeoutError when it is time for a heartbeat."""
        await asyncio.wait_for(self._news.wait(), HEARTBEAT_S)

    def wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def stop(self) -> None:
        self._reading.cancel()


class TaskStreams:
    def __init__(self, reader: EventReader) -> None:
        self._reader = reader
        self._followers: dict[str, Follower] = {}
        self._is_over = False

    @property
    def client_count(self) -> int:
        return sum(follower.clients for follower in self._followers.values())

    async def position(self, task_id: str, after: int) -> int | None:
        """Where to go on behind `after`; None when nothing is there and nothing ever comes. Raises ServiceBusy."""
        page = await self._reader.page(task_id, after, 0, give_up_after_s=READS_WAIT_S)
        return None if page.is_last else min(after, page.last_sequence)

    async def history(self, task_id: str, after: int, limit: int) -> list[str]:
        """Log entries (JSON) as they stand now. Raises ServiceBusy when the store does not answer."""
        page = await self._reader.page(task_id, after, limit, give_up_after_s=READS_WAIT_S)
        return [entry for _, entry in page.events]

    async def stream(self, task_id: str, after: int) -> AsyncGenerator[str, None]:
        """Each event behind `after` exactly once, as server-sent events, until the task's last one.

        `after` is a position that `position` gave: one beyond the log's end would never be reached.
        """
        follower = self._followers.get(task_id)
        if follower is None:
            follower = self._followers[task_id] = Follower(self._reader, task_id, after)
        follower.clients += 1
        try:
            async for text in self._read(follower, task_id, after):
                yield text
        finally:
            follower.clients -= 1
            if follower.clients == 0:
                follower.stop()
                if self._followers.get(task_id) is follower:
                    del self._followers[task_id]

    def end(self) -> None:
        """The service is stopping: end all streams, in good order."""
        self._is_over = True
        for follower in self._followers.values():
            follower.wake()

    def refuse_when_over(self) -> None:
        """Raises ServiceBusy."""
        if self._is_over:
            raise service_stops()

    def drop(self, task_id: str) -> None:
        """The task was deleted: end its streams."""
        if follower := self._followers.pop(task_id, None):
            follower.is_gone = True
            follower.wake()

    async def _read(self, follower: Follower, task_id: str, position: int) -> AsyncIterator[str]:
        while not follower.is_gone:
            events = follower.window.read(position, PAGE)
            if events is None:  # this client is far behind the others
                events = (await self._reader.page(task_id, position, PAGE)).events
            if events:
                yield "".join(map(_format, events))
                position = events[-1][0]
            if follower.window.is_closed and position >= follower.window.last_sequence:
                return
            if not events:
                if self._is_over:
                    return
                try:
                    await follower.wait()
                except TimeoutError:
                    yield ": still here\n\n"


def _busy(error: RayError) -> ServiceBusy:
    """What the store said, or that nobody answers."""
    cause = error.cause if isinstance(error, RayTaskError) else None
    return cause if isinstance(cause, ServiceBusy) else ServiceBusy("The log cannot be read now. Try again.", 2)


def _format(event: Event) -> str:
    sequence, entry = event
    return f"id: {sequence}\ndata: {entry}\n\n"
