"""Handles of actors that are plain objects in the process of the test."""

import asyncio
import inspect
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray.exceptions import RayError, RayTaskError

from actors.store.row import row_of
from rfuav_ray.tasks import TaskRecord
from serve_app.streams.sse import TaskStreams
from serve_app.view.task_view import TaskView


class LocalHandle:
    """Calls an actor's methods as Ray would, in this process."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=getattr(self._actor, name))


class ActorThread:
    """Runs actors in the event loop of one thread. Their answers are for `ray.get`, in any other thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def handle(self, actor: Any) -> Any:
        return _ThreadHandle(actor, self)

    def call(self, method: Any, *arguments: Any) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(_answer(method, arguments), self._loop)


class _ThreadHandle:
    def __init__(self, actor: Any, thread: ActorThread) -> None:
        self._actor, self._thread = actor, thread

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._actor, name)
        return SimpleNamespace(remote=lambda *arguments: self._thread.call(method, *arguments))


async def _answer(method: Any, arguments: Any) -> Any:
    answer = method(*arguments)
    return await answer if inspect.isawaitable(answer) else answer


def _get(ref: "Future[Any]") -> Any:
    """As `ray.get`: an error of the actor itself comes as RayTaskError."""
    try:
        return ref.result()
    except RayError:
        raise
    except Exception as error:
        raise RayTaskError("method", str(error), error) from error


@contextmanager
def actor_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[ActorThread]:
    """Runs actors in a thread. Until the end `ray.get` takes the answers of these actors, and of no others."""
    monkeypatch.setattr(ray, "get", _get)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="actors")
    thread.start()
    try:
        yield ActorThread(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class AcceptingTaskManager:
    """The handle of a TaskManager that accepts every task, or raises its error."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.accepted: list[TaskRecord] = []
        self.submit_batch = SimpleNamespace(remote=self._submit_batch)

    async def _submit_batch(self, submissions: Sequence[Sequence[str]]) -> list[Any]:
        parsed = [[TaskRecord.model_validate_json(text) for text in texts] for texts in submissions]
        if self.error is None:
            self.accepted += [task for tasks in parsed for task in tasks]
        return [self.error or [row_of(task) for task in tasks] for tasks in parsed]


def no_streams() -> TaskStreams:
    """The streams of a replica that nobody follows."""
    return TaskStreams(None, TaskView())
