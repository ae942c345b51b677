"""Background jobs of a process. None is forgotten: errors are logged, and endless work is started again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar, cast

logger = logging.getLogger(__name__)

RETRY_S = 0.5

Result = TypeVar("Result")
Method = TypeVar("Method", bound=Callable[..., Coroutine[Any, Any, Any]])


class Jobs:
    def __init__(self) -> None:
        # asyncio keeps weak references alone.
        self._jobs: set[asyncio.Task[Any]] = set()
        self._kept: dict[str, asyncio.Task[None]] = {}

    def spawn(self, coroutine: Coroutine[Any, Any, Result], what: str | None = None) -> "asyncio.Task[Result]":
        """Do work once. Its error is logged."""
        job = asyncio.create_task(coroutine, name=what)
        self.collect(job)
        return job

    def keep(
        self, what: str, work: Callable[[], Awaitable[None]], *, retry_s: float = RETRY_S
    ) -> "asyncio.Task[None]":
        """Do endless work, unless it is being done. After an error it is started again.

        Args:
            what: Names the work in the log. Work with the same name is the same work.
            work: Is awaited, again and again after errors, until it returns.
            retry_s: Pause after an error.
        """
        kept = self._kept.get(what)
        if kept is None or kept.done():
            kept = self._kept[what] = self.spawn(_repeated(what, work, retry_s), what)
        return kept

    def collect(self, job: "asyncio.Task[Any]") -> None:
        """Keep the job until it ends, and log its error."""
        self._jobs.add(job)
        job.add_done_callback(self._done)

    def _done(self, job: "asyncio.Task[Any]") -> None:
        self._jobs.discard(job)
        if self._kept.get(job.get_name()) is job:
            del self._kept[job.get_name()]
        if not job.cancelled() and (error := job.exception()):
            logger.error("a background job failed", exc_info=error)


async def _repeated(what: str, work: Callable[[], Awaitable[None]], retry_s: float) -> None:
    while True:
        try:
            await work()
            return
        except Exception:
            logger.exception("%s failed and is started again in %g s", what, retry_s)
            await asyncio.sleep(retry_s)


async def until(ref: Any) -> None:
    """Wait for the answer of an actor. Raises its error."""
    await ref


#: methods whose callers have gone
_left = Jobs()


def uninterrupted(method: Method) -> Method:
    """Let the method finish even if its caller goes away: after half a change, memory and store would disagree."""

    @wraps(method)
    async def run(*arguments: Any) -> Any:
        job = asyncio.create_task(method(*arguments))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            _left.collect(job)
            raise

    return cast("Method", run)
