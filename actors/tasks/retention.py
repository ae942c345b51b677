"""Retention: ended tasks and their logs are forgotten after a time; the files they made stay."""

import asyncio
import logging
import time

from actors.tasks.table import TaskTable
from actors.tasks.task_log import Journal

logger = logging.getLogger("rfuav.tasks")

LOOK_EVERY_S = 3600.0
#: deleted in one transaction, so that others get their turn between
CHUNK = 500
DAY_S = 86_400.0


class Retention:
    def __init__(self, days: float, table: TaskTable, journal: Journal) -> None:
        """0 days: tasks are kept for ever."""
        self._days = days
        self._table = table
        self._journal = journal
        self._pruning: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Prune now and then, as long as the actor lives."""
        if self._days > 0 and self._pruning is None:
            self._pruning = asyncio.create_task(self._prune_forever())

    async def _prune_forever(self) -> None:
        while True:
            try:
                await self.prune(time.time() - self._days * DAY_S)
            except Exception:
                logger.exception("old tasks could not be deleted, trying again later")
            await asyncio.sleep(LOOK_EVERY_S)

    async def prune(self, before_s: float) -> int:
        """Forget what ended before this moment (seconds since 1970). Returns how many tasks."""
        old = [row.id for row in self._table.ended() if row.ended_at_s is not None and row.ended_at_s < before_s]
        for first in range(0, len(old), CHUNK):
            await self._table.delete(old[first : first + CHUNK], self._journal)
        if old:
            logger.info(
                "%d tasks that ended more than %g days ago were deleted; their files stay", len(old), self._days
            )
        return len(old)
