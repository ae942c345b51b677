"""The slots of the cluster's devices. They follow the nodes that join and leave, and the limits."""

import asyncio
from collections.abc import Collection

from actors.devices.limits import Limits, LimitTable
from actors.devices.numbering import ANY_GPU, CPU
from actors.devices.pool import DevicePool
from actors.devices.slots import INFERENCE, TRAINING, SlotTable
from actors.store.store import Store
from rfuav_ray.errors import InvalidInput
from rfuav_ray.settings import Settings

#: names of two settings in the store: the reserved GPUs, and the limits that were changed at run time
SAVED_GPUS, SAVED_LIMITS = "gpus", "caps"


class DeviceSlots:
    """Keeps the slot table in step with the devices and the limits.

    `read` and `store_caps` do I/O and leave the slot table unchanged. `apply` changes it without an await, so that
    the caller can start runs in the same step.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self.pool = DevicePool(settings.online_gpu_share)
        self.slots = SlotTable({})
        self._store = store
        self._caps = LimitTable(settings)
        self._saved_gpus: set[str] = set()
        self._limits_lock = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._applied = asyncio.Event()

    async def load(self) -> None:
        """Restore the limits and the GPUs that an earlier task manager saved."""
        self._caps.apply(await asyncio.to_thread(self._store.read_setting, SAVED_LIMITS, {}))
        await self.pool.adopt(await asyncio.to_thread(self._store.read_setting, SAVED_GPUS, []))

    async def read(self) -> set[str]:
        """Update the list of devices, and save the GPUs that are ready.

        Returns:
            The devices that are gone.
        """
        async with self._reading:
            return await self._read()

    async def _read(self) -> set[str]:
        lost = await self.pool.look()
        gpus = self.pool.as_saved()
        devices = {row["device"] for row in gpus}
        if devices != self._saved_gpus or lost:
            # Saved before a run starts there: a restarted task manager must find its runs.
            await asyncio.to_thread(self._store.write_setting, SAVED_GPUS, gpus)
            self._saved_gpus = devices
        return lost

    def apply(self, lost: Collection[str] = ()) -> None:
        """Give every device as many slots as its limits allow, and open the devices that are ready.

        Args:
            lost: Devices that are gone, whose slots are removed.
        """
        for device in lost:
            self.slots.remove(device)
        for device in self.pool.devices:
            is_open = device == CPU or device in self._saved_gpus
            self.slots.add(device, self._caps.of(device), is_open=is_open)
        self._applied.set()

    async def store_limits(self, limits: Limits) -> None:
        """Change and store limits. The slot table changes with the next `apply`.

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
            changes = self._caps.changed(limits)
            await asyncio.to_thread(self._store.write_setting, SAVED_LIMITS, changes)
            self._caps.apply(changes)

    def limits(self) -> Limits:
        """The limits that clients see and set: those of training and inference."""
        shown = (TRAINING, INFERENCE)
        return {device: {kind: self.slots.limits(device)[kind] for kind in shown} for device in self.slots.devices}

    async def are_open(self, wait_s: float) -> bool:
        """Wait up to `wait_s` seconds until every device is open. Returns whether every device is open."""
        deadline_s = asyncio.get_running_loop().time() + wait_s
        while not all(self.slots.is_open(device) for device in self.slots.devices):
            self._applied.clear()
            try:
                await asyncio.wait_for(self._applied.wait(), deadline_s - asyncio.get_running_loop().time())
            except TimeoutError:
                return False
        return True
