"""Backups of the store, one an hour while the service runs and one when it stops. They never fail the service."""

import asyncio
import logging
from datetime import datetime
from functools import partial
from pathlib import Path

from actors.background import Jobs
from actors.store.backup import back_up, backups, moment_of
from actors.store.database import connect, sqlite_file
from rfuav_ray.errors import RfuavError
from rfuav_ray.tasks import now

logger = logging.getLogger(__name__)

EVERY_S = 3600.0
#: not before, because the start of the service has much to do
FIRST_AFTER_S = 300.0
#: a part of the 20 s that the whole stop may take
STOP_WITHIN_S = 3.0


class Backups:
    def __init__(self, database_url: str) -> None:
        """Create an idle instance. It makes no backups of a database that is a server."""
        self._file = sqlite_file(connect(database_url))
        self._one_at_a_time = asyncio.Lock()
        self._jobs = Jobs()

    def begin(self) -> None:
        """Start to make a backup every hour, as long as the actor lives."""
        if self._file is not None:
            self._jobs.keep("the hourly backup", partial(self._repeat, self._file), retry_s=FIRST_AFTER_S)

    async def last(self) -> None:
        """Make a backup before the service stops, unless it takes too long."""
        if self._file is None:
            return
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self._make(self._file)
        except TimeoutError:
            logger.warning("no backup of the task store at the stop: it takes longer than %g s", STOP_WITHIN_S)

    async def _repeat(self, file: Path) -> None:
        # An hour after the newest, not after the start: else a service that is often killed would have none.
        newest = await asyncio.to_thread(newest_moment, file)
        age_s = EVERY_S if newest is None else (now() - newest).total_seconds()
        await asyncio.sleep(min(EVERY_S, max(FIRST_AFTER_S, EVERY_S - age_s)))  # the clock may have been set back
        while True:
            await self._make(file)
            await asyncio.sleep(EVERY_S)

    async def _make(self, file: Path) -> None:
        async with self._one_at_a_time:
            try:
                backup = await asyncio.to_thread(back_up, file)
            except Exception as error:  # whatever it is, the service goes on
                is_bug = not isinstance(error, RfuavError)
                logger.warning("no backup of the task store: %s", error, exc_info=is_bug)
            else:
                logger.info("backup of the task store: %s", backup)


def newest_moment(file: Path) -> datetime | None:
    """When the newest backup of this file was made; None if there is none."""
    found = backups(file)
    return moment_of(found[-1]) if found else None
