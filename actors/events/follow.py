"""Follows a feed of tasks for as long as the process lives, also across restarts of the actor that has it."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from ray.exceptions import RayError

from actors.tasks.feed import FeedPage

logger = logging.getLogger(__name__)

WAIT_S = 30.0
RETRY_S = 0.5
#: while changes follow each other, each page collects those of this time
PAUSE_S = 0.02


async def follow(actor: Any, show: Callable[[FeedPage], None]) -> None:
    """Read the feed, and pass each page on, until the service stops.

    Args:
        actor: Its method `changes` reads the feed; see TaskFeed.read.
        show: Called with every page. After its error the caller has to begin anew: its copy is incomplete.
    """
    incarnation, version = "", 0
    while True:
        asked_s = time.monotonic()
        try:
            page: FeedPage = await actor.changes.remote(incarnation, version, WAIT_S)
        except RayError as error:
            logger.warning("the feed of tasks does not answer, trying again: %s", error)
            await asyncio.sleep(RETRY_S)
            continue
        show(page)
        incarnation, version = page.incarnation, page.version
        if page.is_last and page.is_over:
            return
        if page.is_last and time.monotonic() - asked_s < PAUSE_S:
            await asyncio.sleep(PAUSE_S)
