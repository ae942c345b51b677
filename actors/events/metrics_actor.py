"""MetricsActor: repeats the TaskManager's feed for any number of readers, and publishes the metrics of runs.

It stores nothing. After its death, the next one reads the feed from the beginning, under the same version numbers.
"""

import asyncio
import logging
from functools import partial
from typing import Any

from actors.background import Jobs
from actors.events.follow import follow
from actors.events.gauges import RunGauges, publish_again
from actors.events.window import Event
from actors.store.store import Store
from actors.tasks.feed import FeedPage, TaskFeed
from rfuav_ray.logs import write_to_log_file
from rfuav_ray.settings import Settings

logger = logging.getLogger(__name__)


class MetricsActor:
    def __init__(self, database_url: str, settings: Settings, task_manager_actor: Any) -> None:
        """Create the actor.

        Args:
            database_url: The store, from which older events are read.
            settings: The service's settings.
            task_manager_actor: Its feed is repeated.
        """
        write_to_log_file(settings)
        self._store = Store(database_url)
        self._task_manager_actor = task_manager_actor
        self._gauges = RunGauges()
        self._feed: TaskFeed | None = None
        #: the feed of a TaskManager that has restarted, until it is complete
        self._coming: TaskFeed | None = None
        self._is_complete = asyncio.Event()
        self._jobs = Jobs()

    async def start(self) -> None:
        """Follow the TaskManager's feed from now on. Returns when the feed is complete."""
        self._jobs.keep("the feed of tasks", partial(follow, self._task_manager_actor, self._repeat))
        self._jobs.keep("the gauges of runs", partial(publish_again, self._gauges.publish))
        await self._is_complete.wait()

    async def changes(self, incarnation: str, after: int, wait_s: float) -> FeedPage:
        """The changes of tasks after version `after` of the feed; see TaskFeed.read."""
        await self.start()
        assert self._feed is not None
        return await self._feed.read(incarnation, after, wait_s)

    async def history(self, task_id: str, after: int, limit: int) -> list[Event]:
        """At most `limit` stored events of a task after sequence number `after`.

        Raises:
            ServiceBusy: The store does not answer.
        """
        return await asyncio.to_thread(self._store.read_events, task_id, after, limit)

    def _repeat(self, page: FeedPage) -> None:
        if page.restarts:
            self._coming = TaskFeed(page.incarnation, page.forgotten_version)
            self._gauges.restart()
        feed = self._coming or self._feed
        assert feed is not None
        for change in page.changes:
            feed.publish(change)
            self._gauges.show(change)
        if page.is_last and self._coming is not None:
            outdated, self._feed, self._coming = self._feed, self._coming, None
            self._is_complete.set()
            if outdated is not None:
                outdated.wake()  # its readers change to the new feed
        if page.is_over:
            feed.end()
