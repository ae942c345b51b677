"""Event streams of single tasks: one subscription for each task, fanned out to any number of clients."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from actors.events.event_log import Event, EventWindow
from actors.events.metrics_actor import EventPage
from rfuav_ray.errors import ServiceBusy, service_stopping

logger = logging.getLogger(__name__)

#: After this much silence, a comment line keeps proxies from closing the connection.
HEARTBEAT_S = 15.0
POLL_S = 30.0
RETRY_S = 0.5
#: Reads that are not streams wait as long as clients do. Streams wait without a limit.
READS_WAIT_S = 20.0
#: The end of a log is held back this long at most, until the task's record shows the end, too. The record may be
#: late while the TaskManager restarts.
END_WAIT_S = 10.0
PAGE = 500


class EventReader:
    def __init__(self, metrics_actor: Any, until_ended: Callable[[str], Awaitable[None]]) -> None:
        """Create a reader.

        Args:
            metrics_actor: the actor that has the events.
            until_ended: returns when this replica no longer shows the task as pending or running.
        """
        self._metrics_actor = metrics_actor
        self._until_ended = until_ended

    async def page(
        self, task_id: str, after: int, limit: int, *, wait_s: float = 0, give_up_after_s: float = math.inf
    ) -> EventPage:
        """Read one page of a task's events.

        Asks again while the actor restarts, or its store does not answer. Holds the log's last page back until the
        task's record, which arrives on another path, shows the end, too.

        Args:
            task_id: the task's id.
            after: the sequence number behind which the page begins.
            limit: how many events the page may have.
            wait_s: how long the actor waits for an event when there are none yet.
            give_up_after_s: how long to ask again.

        Raises:
            ServiceBusy: when there is no answer in this time.
        """
        give_up_at_s = time.monotonic() + give_up_after_s
        while True:
            try:
                page: EventPage = await self._metrics_actor.read.remote(task_id, after, limit, wait_s)
            except RayError as error:
                if time.monotonic() > give_up_at_s:
                    raise _busy(error) from None
                # When the first client disconnects, Serve cancels the actor call that its request made. Other
                # clients may still follow.
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
            logger.warning(
                "the log of task %s has ended, but this replica still shows the task as unfinished", task_id
            )


class Follower:
    """Reads a task's events once for all clients that follow it."""

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
        """Wait for new events. Raises TimeoutError when a heartbeat is due."""
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
        """Find the position at which a stream behind `after` begins.

        Returns:
            `after`, or the log's last sequence number when that is lower. None when the log has ended and has no
            event behind `after`.

        Raises:
            ServiceBusy: when the log cannot be read.
        """
        page = await self._reader.page(task_id, after, 0, give_up_after_s=READS_WAIT_S)
        return None if page.is_last else min(after, page.last_sequence)

    async def history(self, task_id: str, after: int, limit: int) -> list[str]:
        """The log entries behind `after`, as JSON texts. Raises ServiceBusy when the store does not answer."""
        page = await self._reader.page(task_id, after, limit, give_up_after_s=READS_WAIT_S)
        return [entry for _, entry in page.events]

    async def stream(self, task_id: str, after: int) -> AsyncGenerator[str, None]:
        """Yield each event behind `after` exactly once, as server-sent events, up to the task's last event.

        Args:
            task_id: the task's id.
            after: a position that `position` returned. A position beyond the log's end is never reached.
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
        """End all streams in good order, because the service is stopping."""
        self._is_over = True
        for follower in self._followers.values():
            follower.wake()

    def refuse_when_over(self) -> None:
        """Raise ServiceBusy when the service is stopping."""
        if self._is_over:
            raise service_stopping()

    def drop(self, task_id: str) -> None:
        """End the streams of a deleted task."""
        if follower := self._followers.pop(task_id, None):
            follower.is_gone = True
            follower.wake()

    async def _read(self, follower: Follower, task_id: str, position: int) -> AsyncIterator[str]:
        while not follower.is_gone:
            events = follower.window.read(position, PAGE)
            if events is None:  # This client is too far behind the others.
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
    """The ServiceBusy error that the actor raised, or a new one when it did not answer."""
    cause = error.cause if isinstance(error, RayTaskError) else None
    return cause if isinstance(cause, ServiceBusy) else ServiceBusy("The log cannot be read now. Try again.", 2)


def _format(event: Event) -> str:
    sequence, entry = event
    return f"id: {sequence}\ndata: {entry}\n\n"
