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

#: how long a node may leave open whether it is alive, after a worker process died there
NODE_DECIDES_WITHIN_S = 60.0
#: A machine that shuts down ends the workers and Ray at about the same time. So an answer is asked for again
ASK_AGAIN_AFTER_S = 1.0
#: names of two settings in the store: the reserved GPUs, and the limits that were changed at run time
SAVED_GPUS, SAVED_LIMITS = "gpus", "caps"


class DeviceWatch:
    def __init__(self, settings: Settings, store: Store) -> None:
        self.pool = DevicePool(settings.online_gpu_share, settings.run_memory_limit)
        #: called with the offers of all devices, and with the devices that are gone since the last call
        self.on_change: list[Callable[[Mapping[str, Offer], Collection[str]], None]] = []
        self._store = store
        self._limits = LimitTable(settings)
        self._saved_gpus: set[str] = set()
        self._limits_lock = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._told = asyncio.Event()
        #: the questions whether nodes are alive, by node id
        self._questions: dict[str, asyncio.Task[str | None]] = {}
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

    async def why_gone(self, node_id: str) -> str | None:
        """Find out whether a node is gone, after a worker process died there. It waits until that is certain.

        Ray notices a node's death later than the death of its workers. Meanwhile the devices of a node
        that does not answer are closed.

        Returns:
            What happened to the node; None if it is alive.
        """
        question = self._questions.get(node_id)
        if question is None:  # the runs of a node die together
            question = self._questions[node_id] = self._jobs.spawn(self._ask(node_id))
            question.add_done_callback(lambda _: self._questions.pop(node_id))
        return await asyncio.shield(question)

    async def _ask(self, node_id: str) -> str | None:
        clock = asyncio.get_running_loop().time
        deadline_s = clock() + NODE_DECIDES_WITHIN_S
        is_alive = False
        while True:
            was_alive, is_alive = is_alive, await self.pool.ask(node_id)
            await self.look()
            if not self.pool.has_node(node_id):
                return f"The node {self.pool.name_of(node_id)} left the cluster."
            if was_alive and is_alive:
                return None
            if clock() > deadline_s:
                return f"The node {self.pool.name_of(node_id)} does not answer."
            await asyncio.sleep(ASK_AGAIN_AFTER_S)

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
        offers = {
            device: Offer(self._limits.of(device), self._is_open(device), self.pool.places(device))
            for device in self.pool.devices
        }
        for change in self.on_change:
            change(offers, lost)
        self._told.set()

    def _is_open(self, device: str) -> bool:
        is_prepared = device == CPU or device in self._saved_gpus
        return is_prepared and bool(self.pool.places(device))
