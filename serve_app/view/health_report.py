"""The service's health. Simultaneous requests share one call to the TaskManager."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from actors.background import Jobs
from rfuav_ray.api.responses import HealthResponse
from rfuav_ray.tasks import LIVE_STATUSES, now
from serve_app.streams.sse import TaskStreams
from serve_app.view.cached_json import Encoded, encoded
from serve_app.view.task_view import TaskView

logger = logging.getLogger(__name__)

#: how long an answer is reused
FRESH_S = 0.1


class _Answers(NamedTuple):
    whole: Encoded
    #: for somebody without a key
    open: Encoded


class HealthReport:
    def __init__(
        self,
        version: str,
        view: TaskView,
        streams: TaskStreams,
        resources: Callable[[], Awaitable[dict[str, Any]]],
    ) -> None:
        """Create a report without an answer yet.

        Args:
            version: the service's version.
            view: the local copy of the tasks.
            streams: the open log streams.
            resources: asks the TaskManager, and raises an error when it does not answer in time.
        """
        self._version = version
        self._view = view
        self._streams = streams
        self._resources = resources
        self._asking: asyncio.Task[_Answers | None] | None = None
        self._answers: _Answers | None = None
        self._jobs = Jobs()
        self._asked_s = -FRESH_S

    def cached_answer(self, is_open: bool = False) -> Encoded | None:
        """The last healthy answer; None when it is no longer fresh. `is_open`: for somebody without a key."""
        if self._answers is None or time.monotonic() - self._asked_s >= FRESH_S:
            return None
        return self._answers.open if is_open else self._answers.whole

    async def healthy(self, is_open: bool = False) -> Encoded | None:
        """The healthy answer; None when the TaskManager does not answer."""
        if answer := self.cached_answer(is_open):
            return answer
        if self._asking is None or self._asking.done():
            self._asking = self._jobs.spawn(self._ask())
        answers = await asyncio.shield(self._asking)
        return answers and (answers.open if is_open else answers.whole)

    async def _ask(self) -> "_Answers | None":
        asked_s = time.monotonic()
        try:
            resources = await self._resources()
        except Exception:  # Any failure of the TaskManager means unhealthy.
            logger.exception("the task manager does not report the resources")
            self._answers = None
            return None
        whole, short = (self.show(resources, is_open=is_open) for is_open in (False, True))
        self._answers = _Answers(_encoded(whole), _encoded(short))
        self._asked_s = asked_s
        return self._answers

    def show(self, resources: dict[str, Any] | None, *, is_open: bool = False) -> HealthResponse:
        """Build the report from the TaskManager's answer; None stands for no answer.

        `is_open`: without what concerns single tasks and devices.
        """
        empty: dict[str, Any] = {"device_usage": {}, "active_tasks": {}, "limits": {}}
        status = dict(resources or empty)
        gpus = status.pop("gpu_info", {"available": False, "count": 0})
        return HealthResponse(
            status="unhealthy" if resources is None else "healthy",
            timestamp=now(),
            version=self._version,
            training_tasks=self._view.copy.count({"training"}, LIVE_STATUSES),
            inference_tasks=self._view.copy.count({"inference"}, LIVE_STATUSES),
            active_log_streams=self._streams.client_count,
            resource_status=None
            if is_open
            else {"gpu_available": gpus["available"], "gpu_count": gpus["count"], **status},
        )


def _encoded(report: HealthResponse) -> Encoded:
    return encoded(as_json(report).encode())


def as_json(report: HealthResponse) -> str:
    return report.model_dump_json(exclude={"resource_status"} if report.resource_status is None else None)
