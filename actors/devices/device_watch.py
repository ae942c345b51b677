"""Watches the cluster's devices and limits, and tells what each device offers."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping

from actors.background import Jobs
from actors.devices.limits import Limits, LimitTable
from actors.devices.numbering import ANY_GPU, CPU
from actors.devices.pool import DevicePool
from actors.devices.slots import Offer
from actors.store.store import Store
from rfuav_ray.errors import InvalidInput
from rfuav_ray.settings import Settings

logger = logging.getLogger(__name__)

#: names of two settings in the store: the reserved GPUs, and the limits that were changed at run time
SAVED_GPUS, SAVED_LIMITS = "gpus", "caps"


class DeviceWatch:
    def __init__(self, settings: Settings, store: Store) -> None:
        self.pool = DevicePool(settings.online_gpu_share)
        #: called with the offers of all devices, and with the devices that are gone since the last call
        self.on_change: list[Callable[[Mapping[str, Offer], Collection[str]], None]] = []
        self._store = store
        self._limits = LimitTable(settings)
        self._saved_gpus: set[str] = set()
        self._limits_lock = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._told = asyncio.Event()
        self._jobs = Jobs()

    async def begin(self) -> None:
        """Restore what an earlier task manager saved, find the devices, and watch them from then on."""
        self._limits.apply(await asyncio.to_thread(self._store.read_setting, SAVED_LIMITS, {}))
        await self.pool.adopt(await asyncio.to_thread(self._store.read_setting, SAVED_GPUS, []))
        await self._look()
        self._jobs.keep("the watch over the devices", self._watch)

    async def look(self) -> None:
        """Look for devices that came or went. Errors are logged: it is done again every few seconds."""
        try:
            await self._look()
        except Exception:
            logger.exception("the cluster's devices could not be read, trying again later")

    async def change_limits(self, limits: Limits) -> None:
        """Change and store limits.

        Args:
            limits: The new limits by device and kind. `cuda` means every GPU.

        Raises:
            InvalidInput: A device is unknown.
        """
        known = [*self.pool.devices, *([ANY_GPU] if self.pool.gpus else [])]
        for device in limits:
            if device not in known:
                reason = f"unknown device; the devices are {', '.join(known)}."
                raise InvalidInput(f"max_concurrent.{device}", reason)
        async with self._limits_lock:
            changes = self._limits.changed(limits)
            await asyncio.to_thread(self._store.write_setting, SAVED_LIMITS, changes)
            self._limits.apply(changes)
        self._tell()

    async def are_open(self, wait_s: float) -> bool:
        """Wait up to `wait_s` seconds until every device is open. Returns whether every device is open."""
        deadline_s = asyncio.get_running_loop().time() + wait_s
        while not all(map(self._is_open, self.pool.devices)):
            self._told.clear()
            try:
                await asyncio.wait_for(self._told.wait(), deadline_s - asyncio.get_running_loop().time())
            except TimeoutError:
                return False
        return True

    async def _watch(self) -> None:
        while True:
            await self.pool.news()
            await self.look()

    async def _look(self) -> None:
        async with self._reading:
            lost = await self.pool.look()
            gpus = self.pool.as_saved()
            devices = {row["device"] for row in gpus}
            if devices != self._saved_gpus or lost:
                # Saved before a run starts there: a restarted task manager must find its runs.
                await asyncio.to_thread(self._store.write_setting, SAVED_GPUS, gpus)
                self._saved_gpus = devices
        self._tell(lost)

    def _tell(self, lost: Collection[str] = ()) -> None:
        offers = {device: Offer(self._limits.of(device), self._is_open(device)) for device in self.pool.devices}
        for change in self.on_change:
            change(offers, lost)
        self._told.set()

    def _is_open(self, device: str) -> bool:
        return device == CPU or device in self._saved_gpus
