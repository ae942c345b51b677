"""Renews the service's ownership of the store, as long as its task manager lives."""

import asyncio
import logging
from collections.abc import Callable

from actors.background import Jobs
from actors.store.ownership import RENEW_EVERY_S, OwnershipLost
from actors.store.store import Store
from rfuav_ray.errors import RfuavError

logger = logging.getLogger(__name__)


class OwnershipRenewal:
    def __init__(self, store: Store, on_lost: Callable[[OwnershipLost], None]) -> None:
        """Create an idle instance.

        Args:
            store: The store, opened by its owner.
            on_lost: Called once, when another service has taken over the store.
        """
        self._store = store
        self._on_lost = on_lost
        self._jobs = Jobs()
        self._renewing: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Renew the ownership now and from then on.

        Raises:
            OwnershipLost: Another service has the store.
            ServiceBusy: The store does not answer.
        """
        await asyncio.to_thread(self._store.renew_ownership)
        self._renewing = self._jobs.keep("the renewal of the store's ownership", self._repeat)

    async def end(self) -> None:
        """Give the store up, so that a service on any machine starts at once."""
        if self._renewing is not None:
            self._renewing.cancel()
        try:
            await asyncio.to_thread(self._store.release_ownership)
        except RfuavError as error:  # the disk is full: another service has to wait for the end of the lease
            logger.warning("the ownership of the task store was not given up: %s", error)

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            try:
                await asyncio.to_thread(self._store.renew_ownership)
            except OwnershipLost as error:
                logger.critical("%s", error)
                self._on_lost(error)
                return
            except RfuavError as error:
                logger.warning("the ownership of the task store could not be renewed, trying again: %s", error)
