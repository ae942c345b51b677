"""Retention: deletes ended tasks and their logs after some time. Their files stay."""

import asyncio
import logging

from actors.background import Jobs
from actors.tasks.table import TaskTable
from rfuav_ray.tasks import now

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 3600.0
#: number of tasks that are deleted together; other writes get their turn in between
CHUNK = 100
DAY_S = 86_400.0


class Retention:
    def __init__(self, days: float, table: TaskTable) -> None:
        """Create an idle instance.

        Args:
            days: How long ended tasks are kept; 0 keeps them for ever.
            table: The tasks.
        """
        self._days = days
        self._table = table
        self._jobs = Jobs()

    def begin(self) -> None:
        """Start to prune every hour, as long as the actor lives. Does nothing if tasks are kept for ever."""
        if self._days > 0:
            self._jobs.keep("the deletion of old tasks", self._prune_forever, retry_s=LOOK_EVERY_S)

    async def _prune_forever(self) -> None:
        while True:
            await self.prune(now().timestamp() - self._days * DAY_S)
            await asyncio.sleep(LOOK_EVERY_S)

    async def prune(self, before_s: float) -> int:
        """Delete the tasks that ended before this time (seconds since 1970). Returns their number."""
        old = [row.id for row in self._table.ended() if row.ended_at_s is not None and row.ended_at_s < before_s]
        for first in range(0, len(old), CHUNK):
            await self._table.delete(old[first : first + CHUNK])
        if old:
            logger.info(
                "%d tasks that ended more than %g days ago were deleted; their files stay", len(old), self._days
            )
        return len(old)
