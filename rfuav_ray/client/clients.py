"""Clients of the service: RFUAVClient, and AsyncRFUAVClient with the same methods to await."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Event, Thread
from typing import Any, cast

import anyio
import httpx2

from rfuav_ray.client.calls import ServiceCalls, task_path
from rfuav_ray.client.connection import ServiceConnection, request_content
from rfuav_ray.client.event_stream import EventStream, StreamBroken
from rfuav_ray.client.service_errors import (
    ServiceError,
    ServiceUnreachable,
    is_event_stream,
    read_answer,
    refusal,
    stream_has_ended,
)
from rfuav_ray.tasks import TaskStatus

#: Each API replica has its own copy of the tasks. It may show a task as running for this time after its log's end.
REPLICA_LAG_S = 5.0
REPLICA_POLL_S = 0.1

Answer = dict[str, Any]
LogEntry = dict[str, Any]


class RFUAVClient(ServiceConnection, ServiceCalls[Answer]):
    """A blocking client. Threads may share it."""

    _http: httpx2.Client
    _http_class = httpx2.Client

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> RFUAVClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get_logs(self, task_id: str, after: int = 0, limit: int = 10_000) -> list[LogEntry]:
        """Get the existing log entries after event number `after`, of any kind of task."""
        with self._reaching():
            response = self._http.get(task_path(task_id, "/logs"), params={"after": after, "limit": limit})
        return cast("list[LogEntry]", read_answer(response))

    def stream_training_logs(self, task_id: str, after: int | None = None) -> Iterator[LogEntry]:
        """Yield the log entries of a training live, until the last one. Each entry comes exactly once.

        A broken connection is opened again, and the stream resumes where it stopped.

        Args:
            task_id: The task to follow.
            after: Start after this event number. None starts at the first entry.
        """
        return self._follow(task_id, "training", after)

    def stream_logs(self, task_id: str, after: int | None = None) -> Iterator[LogEntry]:
        """Like `stream_training_logs`, for any kind of task."""
        return self._follow(task_id, "tasks", after)

    def wait(self, task_id: str, timeout: float | None = None) -> Answer:
        """Wait until the task has ended, and return it.

        Raises:
            TimeoutError: The task has not ended within `timeout` seconds. It continues.
        """
        outcome: Future[Answer] = Future()
        given_up = Event()
        # A blocking read cannot be interrupted at the timeout. So a thread reads, and stops at the next heartbeat.
        Thread(target=self._settle, args=(outcome, task_id, given_up), name="wait", daemon=True).start()
        try:
            return outcome.result(timeout)
        except FutureTimeoutError:
            raise _not_ended(task_id, timeout) from None
        finally:
            given_up.set()

    def _settle(self, outcome: Future[Answer], task_id: str, given_up: Event) -> None:
        try:
            for _ in self._follow(task_id, "tasks", None, given_up):
                pass
            outcome.set_result(self._ended_task(task_id, given_up))
        except BaseException as error:
            outcome.set_exception(error)

    def _ended_task(self, task_id: str, given_up: Event) -> Answer:
        deadline = time.monotonic() + REPLICA_LAG_S
        task = self.get_task(task_id)
        while not _has_ended(task) and time.monotonic() < deadline and not given_up.wait(REPLICA_POLL_S):
            task = self.get_task(task_id)
        return task

    def _send(
        self,
        verb: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Answer:
        with self._reaching():
            response = self._http.request(verb, path, **request_content(body, params))
        return cast("Answer", read_answer(response))

    def _follow(
        self, task_id: str, area: str, after: int | None, given_up: Event | None = None
    ) -> Iterator[LogEntry]:
        path = task_path(task_id, "/logs", area=area)
        stream = EventStream(after, self._retry_delays_s)
        while not stream.is_over:
            try:
                options = self._stream_options(stream)
                with self._reaching(), self._http.stream("GET", path, **options) as response:
                    if stream_has_ended(response):
                        return
                    if not is_event_stream(response):
                        response.read()
                        raise refusal(response)
                    stream.opened()
                    for data in response.iter_bytes():
                        yield from stream.feed(data)
                        if stream.is_over or (given_up and given_up.is_set()):
                            return
                stream.closed()
            except (ServiceError, ServiceUnreachable, StreamBroken) as problem:
                time.sleep(stream.retry_delay_s(problem))


class AsyncRFUAVClient(ServiceConnection, ServiceCalls[Coroutine[Any, Any, Answer]]):
    """The same methods for asyncio and trio: `await` each call, and use `async for` with each stream."""

    _http: httpx2.AsyncClient
    _http_class = httpx2.AsyncClient

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> AsyncRFUAVClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get_logs(self, task_id: str, after: int = 0, limit: int = 10_000) -> list[LogEntry]:
        params = {"after": after, "limit": limit}
        with self._reaching():
            response = await self._http.get(task_path(task_id, "/logs"), params=params)
        return cast("list[LogEntry]", read_answer(response))

    def stream_training_logs(self, task_id: str, after: int | None = None) -> AsyncIterator[LogEntry]:
        return self._follow(task_id, "training", after)

    def stream_logs(self, task_id: str, after: int | None = None) -> AsyncIterator[LogEntry]:
        return self._follow(task_id, "tasks", after)

    async def wait(self, task_id: str, timeout: float | None = None) -> Answer:  # noqa: ASYNC109
        try:
            with anyio.fail_after(timeout):
                async for _ in self.stream_logs(task_id):
                    pass
                return await self._ended_task(task_id)
        except TimeoutError:
            raise _not_ended(task_id, timeout) from None

    async def _ended_task(self, task_id: str) -> Answer:
        task = await self.get_task(task_id)
        with anyio.move_on_after(REPLICA_LAG_S):
            while not _has_ended(task):
                await anyio.sleep(REPLICA_POLL_S)
                task = await self.get_task(task_id)
        return task

    async def _send(
        self,
        verb: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Answer:
        with self._reaching():
            response = await self._http.request(verb, path, **request_content(body, params))
        return cast("Answer", read_answer(response))

    async def _follow(self, task_id: str, area: str, after: int | None) -> AsyncIterator[LogEntry]:
        path = task_path(task_id, "/logs", area=area)
        stream = EventStream(after, self._retry_delays_s)
        while not stream.is_over:
            try:
                options = self._stream_options(stream)
                with self._reaching():
                    async with self._http.stream("GET", path, **options) as response:
                        if stream_has_ended(response):
                            return
                        if not is_event_stream(response):
                            await response.aread()
                            raise refusal(response)
                        stream.opened()
                        async for data in response.aiter_bytes():
                            for entry in stream.feed(data):
                                yield entry
                            if stream.is_over:
                                return
                stream.closed()
            except (ServiceError, ServiceUnreachable, StreamBroken) as problem:
                await anyio.sleep(stream.retry_delay_s(problem))


def _has_ended(task: Answer) -> bool:
    return TaskStatus(task["status"]).is_ended


def _not_ended(task_id: str, timeout_s: float | None) -> TimeoutError:
    return TimeoutError(f"Task '{task_id}' has not ended within {timeout_s} s. It continues.")
