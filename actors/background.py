"""Background jobs of an actor: errors are logged, and what must succeed is tried again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

RETRY_S = 0.5


class Jobs:
    def __init__(self) -> None:
        # asyncio keeps weak references alone.
        self._jobs: set[asyncio.Task[None]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        job = asyncio.create_task(coroutine)
        self._jobs.add(job)
        job.add_done_callback(self._done)
        return job

    def keep(self, work: Callable[[], Awaitable[None]]) -> "asyncio.Task[None]":
        """Run endless work. After an error it is started again."""
        return self.spawn(_repeated(work))

    def _done(self, job: "asyncio.Task[None]") -> None:
        self._jobs.discard(job)
        if not job.cancelled() and (error := job.exception()):
            logger.error("a background job failed", exc_info=error)


async def _repeated(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
            return
        except Exception:
            logger.exception("a background job failed and is started again")
            await asyncio.sleep(RETRY_S)


async def until(ref: Any) -> None:
    """Wait for the answer of an actor. Raises its error."""
    await ref


async def with_retries(store: Callable[[], Awaitable[None]], what: str) -> None:
    """Call `store` until it succeeds. `what` names its purpose in the log."""
    while True:
        try:
            await store()
            return
        except Exception:
            logger.exception("%s could not be stored, trying again", what)
            await asyncio.sleep(RETRY_S)
