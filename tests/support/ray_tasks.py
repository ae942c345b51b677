"""Ray tasks that a test ends itself, in place of those that Ray runs in workers."""

import asyncio
from typing import Any

import pytest
import ray
from ray.exceptions import TaskCancelledError


class RayTasks:
    """Notes which Ray tasks were started and killed. The future of a task is its reference."""

    def __init__(self) -> None:
        #: of each started task, in order: its arguments, and its options
        self.arguments: list[tuple[Any, ...]] = []
        self.options: list[dict[str, Any]] = []
        self.refs: list[asyncio.Future[Any]] = []
        self.killed: list[asyncio.Future[Any]] = []
        #: whether a killed task ends by itself, or the test ends it
        self.die_at_once = True

    def remote(self, **options: Any) -> Any:
        """In place of `ray.remote` with options."""
        return lambda function: _Remote(self, function, options)

    def cancel(self, ref: "asyncio.Future[Any]", *, force: bool) -> None:
        """In place of `ray.cancel`. A killed task that has ended keeps its answer."""
        assert force
        self.killed.append(ref)
        if self.die_at_once and not ref.done():
            ref.set_exception(TaskCancelledError())


class _Remote:
    def __init__(self, tasks: RayTasks, function: Any, options: dict[str, Any]) -> None:
        self._tasks, self._function, self._options = tasks, function, options

    def options(self, **options: Any) -> "_Remote":
        return _Remote(self._tasks, self._function, self._options | options)

    def remote(self, *arguments: Any) -> "asyncio.Future[Any]":
        ref: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._tasks.arguments.append(arguments)
        self._tasks.options.append(self._options)
        self._tasks.refs.append(ref)
        return ref


def played_ray_tasks(monkeypatch: pytest.MonkeyPatch) -> RayTasks:
    """Until the end of the test, functions that become Ray tasks start no workers. The cluster has two nodes."""
    tasks = RayTasks()
    monkeypatch.setattr(ray, "remote", tasks.remote)
    monkeypatch.setattr(ray, "cancel", tasks.cancel)
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True}] * 2)
    return tasks
