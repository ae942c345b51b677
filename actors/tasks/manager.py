"""TaskManager: accepts, queues, starts and ends tasks. The only writer of their records."""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Sequence
from functools import cache, wraps
from typing import Any, TypeVar, cast

from actors.devices.caps import Caps
from actors.devices.gpu_info import gpu_info
from actors.devices.numbering import ANY_GPU
from actors.devices.slots import INFERENCE, TRAINING
from actors.events.event_log import EventRow, first_event
from actors.events.gauges import QueueGauges
from actors.runs.spec import Order, Outcome, Progress
from actors.store.store import Store, database_url
from actors.tasks.dispatcher import JOURNAL_WAIT_S, Dispatcher
from actors.tasks.feed import FeedPage
from actors.tasks.queue import Line, line_of
from actors.tasks.retention import Retention
from actors.tasks.row import TaskRow, record_of
from actors.tasks.table import TaskTable
from actors.tasks.task_log import Journal, log_entry
from rfuav_ray.errors import InvalidInput, ServiceBusy, TaskConflict, service_stops
from rfuav_ray.logs import write_to_log_file
from rfuav_ray.machine.hardware import read_cpu
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskRecord, TaskStatus

logger = logging.getLogger("rfuav.tasks")

QUEUE_FULL_RETRY_S = 10

_SHOWN = (TRAINING, INFERENCE)

Method = TypeVar("Method", bound=Callable[..., Coroutine[Any, Any, Any]])


def owner_of(settings: Settings) -> str:
    """The place of a service: only one at a time can have it."""
    return f"{os.uname().nodename}:{settings.state_dir}"


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
        store = Store(database_url(settings.database_url, settings.state_dir))
        self._table = TaskTable(store, gauges)
        self._dispatcher = Dispatcher(settings, store, self._table, self._journal, gauges, supervisor_actor)
        self._retention = Retention(settings.task_retention_days, self._table, self._journal)
        self._starting: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load what is stored, find the runs that are still alive, start what can run. Once."""
        if self._starting is None or (self._starting.done() and self._starting.exception()):
            self._starting = asyncio.create_task(self._recover())
        await asyncio.shield(self._starting)

    async def owner(self) -> str:
        """Whose actor this is; see `owner_of`."""
        return owner_of(self._settings)

    @_uninterrupted
    async def submit_together(self, submissions: Sequence[Sequence[str]]) -> "list[list[TaskRow] | Exception]":
        """Accept new tasks; a submission's all or none. When this returns they are stored and nothing loses them.

        They are TaskRecords as JSON: models themselves would be pickled, which takes three times as long.

        Each submission is answered by itself: with its tasks, or with TaskConflict (id in use), ServiceBusy (queue
        full, or not stored) or InvalidInput (no such device).
        """
        await self.start()
        line_waits_for = cache(self._line_waits_for)
        arriving: list[tuple[TaskRecord, EventRow]] = []
        refusals: list[Exception | None] = []
        parsed = [list(map(TaskRecord.model_validate_json, texts)) for texts in submissions]
        for tasks in parsed:
            try:
                self._check(tasks)
                with_logs = [_with_its_log(task, self._waits_for(task, line_waits_for)) for task in tasks]
                self._table.reserve([task.id for task in tasks])
            except Exception as error:
                refusals.append(error)
            else:
                refusals.append(None)
                arriving += with_logs
        try:
            await self._accept(arriving)
        except Exception as error:
            refusals = [refusal or error for refusal in refusals]
        return [
            refusal or [self._table.row(task.id) for task in tasks]
            for tasks, refusal in zip(parsed, refusals, strict=True)
        ]

    def _check(self, tasks: Sequence[TaskRecord]) -> None:
        if self._dispatcher.is_stopping:
            raise service_stops()
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

    async def _accept(self, new_tasks: Sequence[tuple[TaskRecord, EventRow]]) -> None:
        """Store them and queue them. Raises ServiceBusy when they cannot be stored."""
        if not new_tasks:
            return
        stored = await self._table.add(new_tasks)
        for task in stored:
            self._dispatcher.queue.put(task)
        self._dispatcher.start_runs()
        # One line for all: to write one costs as much as to queue several tasks.
        shown = ", ".join(f"{task.id} ({task.kind}, priority {task.priority})" for task in stored)
        logger.info("accepted: %s", shown)
        # Stored was what they waited for then: others came first, or the caps were changed meanwhile.
        line_waits_for = cache(self._line_waits_for)
        for task in stored:
            reason = self._waits_for(task, line_waits_for)
            if reason is not None and reason != task.message and task.id in self._dispatcher.queue:
                self._journal.write(task.id, self._dispatcher.show_reason(task.id))

    def _waits_for(self, task: TaskRecord, line_waits_for: Callable[[Line], str | None]) -> str | None:
        """None for a task that can start at once."""
        return self._dispatcher.queue.waits_for_folder(task) or line_waits_for(line_of(task))

    def _line_waits_for(self, line: Line) -> str | None:
        """None for a line whose next task can start at once."""
        slots = self._dispatcher.slots
        is_free = any(slots.free(device, line.slot_kind) > 0 for device in line.candidates(slots))
        return None if is_free else line.waits_for(slots)

    async def get(self, task_id: str) -> TaskRecord:
        """Raises TaskNotFound."""
        await self.start()
        return self._table.get(task_id)

    async def changes(self, incarnation: str, after: int, wait_s: float) -> FeedPage:
        """The tasks that changed behind version `after` of the feed; see TaskFeed."""
        await self.start()
        return await self._table.feed.read(incarnation, after, wait_s)

    async def report_progress(self, task_id: str, attempt: int, progress: Progress) -> Order:
        """A run says where it stands, and is told what to do."""
        await self.start()
        order = self._dispatcher.order(task_id, attempt)
        if order != "go on":
            return order
        task = self._table.get(task_id)
        if progress.gpu_memory is not None:
            self._dispatcher.gpu_memory[task_id] = progress.gpu_memory
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
        return order

    @_uninterrupted
    async def cancel(self, task_id: str) -> TaskRecord:
        """End a waiting task at once, ask a running one to stop; asked again, kill its run.

        Raises TaskNotFound, TaskConflict (ended).
        """
        await self.start()
        task = self._table.get(task_id)
        if task.status.is_ended:
            raise TaskConflict(f"Task '{task_id}' has already ended: it is {task.status.value}.")
        if task.status is TaskStatus.PENDING:
            self._dispatcher.queue.discard(task_id)
            return await self._dispatcher.end(task, Outcome("cancelled"))
        if task.cancel_requested:
            self._journal.write(task_id, "Asked to stop again: the run is killed.", level="WARNING")
            self._dispatcher.stop_run(task, at_once=True)
        else:
            task = self._table.change(task.evolve(cancel_requested=True, message="Stopping, as asked."))
            self._journal.write(task_id, "Asked to stop.", level="WARNING")
            self._dispatcher.stop_run(task)
            await self._dispatcher.store_at_last(task_id)
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
        await self._table.delete([task_id], self._journal)

    @_uninterrupted
    async def stop(self, timeout_s: float) -> None:
        """Accept and start nothing more, and let the runs keep what they have done; then end the event streams.

        Returns when that is done, or when the runs had this much time.
        """
        await self.start()
        await self._dispatcher.stop(timeout_s)
        await self._journal.flush(JOURNAL_WAIT_S)
        self._table.feed.end()

    async def resources(self) -> dict[str, Any]:
        """Slots in use, who holds them, the caps by device, and the GPUs."""
        await self.start()
        slots = self._dispatcher.slots
        active: dict[str, list[dict[str, str]]] = {device: [] for device in slots.devices}
        for holding in slots.holdings:
            kind = self._table.get(holding.task_id).kind
            active.setdefault(holding.device, []).append({"id": holding.task_id, "type": kind})
        usage = {device: {kind: slots.used(device, kind) for kind in _SHOWN} for device in slots.devices}
        return {
            "device_usage": usage,
            "active_tasks": active,
            "limits": self._dispatcher.devices.limits(),
            "gpu_info": gpu_info(self._dispatcher.pool, slots.holdings, self._dispatcher.gpu_memory),
        }

    async def devices_are_ready(self, wait_s: float) -> bool:
        """Whether every device can be used, after waiting for it."""
        await self.start()
        return await self._dispatcher.devices.are_open(wait_s)

    async def cpus(self) -> list[dict[str, Any]]:
        """The CPU of every node, head first."""
        await self.start()
        return self._dispatcher.pool.cpus() or [read_cpu()]  # before the first node was read

    @_uninterrupted
    async def update_caps(self, caps: Caps) -> dict[str, dict[str, int]]:
        """Change caps by device, `cuda` meaning every GPU; waiting tasks start at once. Raises InvalidInput."""
        await self.start()
        await self._dispatcher.change_caps(caps)
        limits = self._dispatcher.devices.limits()
        logger.info("caps are now %s", limits)
        return limits

    async def _recover(self) -> None:
        await self._dispatcher.find_devices()
        self._dispatcher.recover(await self._table.load())
        self._closing = asyncio.create_task(self._close_streams(self._table.ended()))
        self._retention.begin()

    async def _close_streams(self, ended: Sequence[TaskRow]) -> None:
        """Write the last event of those whose end was stored and not their stream's; nobody waits for it."""
        closed_streams = await self._journal.closed_streams()
        for row in ended:
            found = self._table.feed.get(row.id)
            # Another number: it was deleted meanwhile, and the id given to a new task.
            if row.id not in closed_streams and found is not None and found.number == row.number:
                self._journal.close(record_of(row))


def _with_its_log(task: TaskRecord, reason_to_wait: str | None) -> tuple[TaskRecord, EventRow]:
    """As they are stored: both say already what the task waits for."""
    message = f"Task accepted: {task.kind}, priority {task.priority}."
    if reason_to_wait is not None:
        task = task.evolve(message=reason_to_wait)
        message = f"{message} {reason_to_wait}"
    return task, first_event(task.id, log_entry(message))
