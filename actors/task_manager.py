"""TaskManager: accepts, queues, starts and ends tasks. The only writer of their records."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from actors.dispatcher import Dispatcher
from actors.gauges import QueueGauges
from actors.journal import Journal
from actors.runs import Outcome, Progress
from actors.slots import INFERENCE, TRAINING, Caps
from actors.store import Store, database_url
from actors.task_feed import FeedPage
from actors.task_queue import ANY_GPU
from actors.task_table import TaskTable
from rfuav_ray.errors import InvalidInput, ServiceBusy, TaskConflict
from rfuav_ray.logs import write_to_log_file
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskRecord, TaskStatus

logger = logging.getLogger("rfuav.tasks")

QUEUE_FULL_RETRY_S = 10

Method = TypeVar("Method", bound=Callable[..., Coroutine[Any, Any, Any]])


def _uninterrupted(method: Method) -> Method:
    """Let the method end though its caller goes away: half a change would part memory and store."""

    @wraps(method)
    async def run(*arguments: Any) -> Any:
        return await asyncio.shield(asyncio.create_task(method(*arguments)))

    return cast("Method", run)


class TaskManager:
    """Every public method first waits for `start`, so that a restarted actor answers from the stored tasks."""

    def __init__(self, settings: Settings, metrics_actor: Any, supervisor_actor: Any) -> None:
        write_to_log_file(settings, rotates=True)
        self._settings = settings
        gauges = QueueGauges()
        self._journal = Journal(metrics_actor)
        self._table = TaskTable(Store(database_url(settings.database_url, settings.state_dir)), gauges)
        self._dispatcher = Dispatcher(settings, self._table, self._journal, gauges, supervisor_actor)
        self._starting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load what is stored, find the runs that are still alive, start what can run. Once."""
        if self._starting is None or (self._starting.done() and self._starting.exception()):
            self._starting = asyncio.create_task(self._recover())
        await asyncio.shield(self._starting)

    @_uninterrupted
    async def submit(self, tasks: Sequence[TaskRecord]) -> list[TaskRecord]:
        """Accept new tasks, all or none: when this returns they are stored and nothing loses them.

        Raises TaskConflict (id in use), ServiceBusy (queue full), InvalidInput (no such device).
        """
        await self.start()
        waiting = len(self._dispatcher.queue) + self._table.arriving
        if waiting + len(tasks) > self._settings.task_queue_size:
            raise ServiceBusy(
                f"The queue is full: {waiting} tasks are waiting. Try again later.",
                QUEUE_FULL_RETRY_S,
            )
        devices = self._dispatcher.pool.devices
        for task in tasks:
            if task.wanted_device not in {ANY_GPU, *devices}:
                reason = f"there is no device '{task.wanted_device}'; there are {', '.join(devices)}."
                raise InvalidInput("device", reason)
        stored = await self._table.add(tasks)
        for task in stored:
            self._dispatcher.queue.put(task)
            self._journal.write(task.id, f"Task accepted: {task.kind}, priority {task.priority}.")
        self._dispatcher.start_runs()
        return stored

    async def get(self, task_id: str) -> TaskRecord:
        """Raises TaskNotFound."""
        await self.start()
        return self._table.get(task_id)

    async def changes(self, incarnation: str, after: int, wait_s: float) -> FeedPage:
        """The tasks that changed behind version `after` of the feed; see TaskFeed."""
        await self.start()
        return await self._table.feed.read(incarnation, after, wait_s)

    async def report_progress(self, task_id: str, attempt: int, progress: Progress) -> bool:
        """A run says where it stands. Returns whether it may go on."""
        await self.start()
        task = self._table.get(task_id)
        if task.status is not TaskStatus.RUNNING or task.attempt != attempt or task.cancel_requested:
            return False
        known = {
            "progress": progress.percent,
            "current_epoch": progress.epoch,
            "message": progress.message,
            "latest_metrics": progress.metrics,
        }
        changes = {
            name: value for name, value in known.items() if value is not None and value != getattr(task, name)
        }
        if changes:
            self._table.show_progress(task.evolve(**changes))
        return True

    @_uninterrupted
    async def cancel(self, task_id: str) -> TaskRecord:
        """End a waiting task at once, ask a running one to stop. Raises TaskNotFound, TaskConflict (ended)."""
        await self.start()
        task = self._table.get(task_id)
        if task.status.is_ended:
            raise TaskConflict(f"Task '{task_id}' has already ended: it is {task.status.value}.")
        if task.status is TaskStatus.PENDING:
            self._dispatcher.queue.discard(task_id)
            return await self._dispatcher.end(task, Outcome("cancelled"))
        if not task.cancel_requested:
            task = await self._table.save(task.evolve(cancel_requested=True, message="Stopping, as asked."))
            self._journal.write(task_id, "Asked to stop.", level="WARNING")
            self._dispatcher.stop_run(task)
        return self._table.get(task_id)

    @_uninterrupted
    async def set_priority(self, task_id: str, priority: int) -> TaskRecord:
        """Move a waiting task in the queue. Raises TaskNotFound, TaskConflict (not waiting)."""
        await self.start()
        task = self._table.get(task_id)
        if task.status is not TaskStatus.PENDING:
            raise TaskConflict(f"Task '{task_id}' is {task.status.value}; only a waiting task can be moved.")
        self._dispatcher.queue.discard(task_id)
        task = task.evolve(priority=priority)
        self._dispatcher.queue.put(task)
        saved = await self._table.save(task)
        self._journal.write(task_id, f"Priority is now {priority}.")
        return saved

    @_uninterrupted
    async def delete(self, task_id: str) -> None:
        """Forget an ended task. Raises TaskNotFound, TaskConflict (it lives)."""
        await self.start()
        task = self._table.get(task_id)
        if not task.status.is_ended:
            raise TaskConflict(f"Task '{task_id}' is {task.status.value}; cancel it before deleting it.")
        await self._table.delete(task_id, self._journal.forget)

    async def resources(self) -> dict[str, Any]:
        """Slots in use, who holds them, and the caps, by device."""
        await self.start()
        slots = self._dispatcher.slots
        shown = (TRAINING, INFERENCE)
        active: dict[str, list[dict[str, str]]] = {device: [] for device in slots.devices}
        for holding in slots.holdings:
            kind = self._table.get(holding.task_id).kind
            active.setdefault(holding.device, []).append({"id": holding.task_id, "type": kind})
        return {
            "device_usage": {
                device: {kind: slots.used(device, kind) for kind in shown} for device in slots.devices
            },
            "active_tasks": active,
            "limits": {device: {kind: caps[kind] for kind in shown} for device, caps in slots.caps.items()},
        }

    @_uninterrupted
    async def update_caps(self, caps: Caps) -> dict[str, dict[str, int]]:
        """Change caps by device, `cuda` meaning every GPU; waiting tasks start at once. Raises InvalidInput."""
        await self.start()
        pool, slots = self._dispatcher.pool, self._dispatcher.slots
        known = [*pool.devices, *([ANY_GPU] if pool.gpus else [])]
        for device in caps:
            if device not in known:
                reason = f"there is no such device; there are {', '.join(known)}."
                raise InvalidInput(f"max_concurrent.{device}", reason)
        if every_gpu := caps.get(ANY_GPU):
            slots.update(dict.fromkeys(pool.gpus, every_gpu))
        slots.update({device: kinds for device, kinds in caps.items() if device != ANY_GPU})
        logger.info("caps are now %s", slots.caps)
        self._dispatcher.start_runs()
        limits: dict[str, dict[str, int]] = (await self.resources())["limits"]
        return limits

    async def _recover(self) -> None:
        tasks = await self._table.load()
        self._dispatcher.recover(tasks, await self._journal.closed_streams())
