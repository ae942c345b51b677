"""The slots of the cluster's devices: kept in step with the nodes that come and go, and with the caps."""

import asyncio
from collections.abc import Collection

from actors.devices.caps import Caps, CapTable
from actors.devices.numbering import ANY_GPU, CPU
from actors.devices.pool import DevicePool
from actors.devices.slots import INFERENCE, TRAINING, SlotTable
from actors.store.store import Store
from rfuav_ray.errors import InvalidInput
from rfuav_ray.settings import Settings

#: where the store keeps which GPUs are reserved, and the caps that were changed at run time
SAVED_GPUS, SAVED_CAPS = "gpus", "caps"


class DeviceSlots:
    """What it reads and stores takes effect with `apply`, which does not wait: the caller acts on it at once."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.pool = DevicePool(settings.online_gpu_share)
        self.slots = SlotTable({})
        self._store = store
        self._caps = CapTable(settings)
        self._saved_gpus: set[str] = set()
        self._changing_caps = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._applied = asyncio.Event()

    async def load(self) -> None:
        """Take up what an earlier task manager left."""
        self._caps.apply(await asyncio.to_thread(self._store.read_setting, SAVED_CAPS, {}))
        await self.pool.adopt(await asyncio.to_thread(self._store.read_setting, SAVED_GPUS, []))

    async def read(self) -> set[str]:
        """See which devices there are, and keep those that are ready; returns the devices that are gone."""
        async with self._reading:
            return await self._read()

    async def _read(self) -> set[str]:
        lost = await self.pool.look()
        gpus = self.pool.as_saved()
        devices = {row["device"] for row in gpus}
        if devices != self._saved_gpus or lost:
            # Before anything runs there: a restarted manager must find its runs.
            await asyncio.to_thread(self._store.write_setting, SAVED_GPUS, gpus)
            self._saved_gpus = devices
        return lost

    def apply(self, lost: Collection[str] = ()) -> None:
        """Give every device the slots of its caps, and open those that are ready."""
        for device in lost:
            self.slots.remove(device)
        for device in self.pool.devices:
            is_open = device == CPU or device in self._saved_gpus
            self.slots.add(device, self._caps.of(device), is_open=is_open)
        self._applied.set()

    async def store_caps(self, caps: Caps) -> None:
        """Change caps by device, `cuda` meaning every GPU. Raises InvalidInput for an unknown device."""
        known = [*self.pool.devices, *([ANY_GPU] if self.pool.gpus else [])]
        for device in caps:
            if device not in known:
                reason = f"there is no such device; there are {', '.join(known)}."
                raise InvalidInput(f"max_concurrent.{device}", reason)
        async with self._changing_caps:
            changes = self._caps.changed(caps)
            await asyncio.to_thread(self._store.write_setting, SAVED_CAPS, changes)
            self._caps.apply(changes)

    def limits(self) -> Caps:
        """The caps that clients see and set."""
        shown = (TRAINING, INFERENCE)
        return {device: {kind: self.slots.caps(device)[kind] for kind in shown} for device in self.slots.devices}

    async def are_open(self, wait_s: float) -> bool:
        """Whether every device can be used, after waiting for it."""
        deadline_s = asyncio.get_running_loop().time() + wait_s
        while not all(self.slots.is_open(device) for device in self.slots.devices):
            self._applied.clear()
            try:
                await asyncio.wait_for(self._applied.wait(), deadline_s - asyncio.get_running_loop().time())
            except TimeoutError:
                return False
        return True
