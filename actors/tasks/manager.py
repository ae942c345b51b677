"""TaskManager: accepts, queues, starts and ends tasks. Only it writes their records."""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from actors.devices.limits import Limits
from actors.events.gauges import QueueGauges
from actors.runs.spec import Instruction, Outcome, Progress
from actors.store.store import Store, database_url
from actors.tasks.dispatcher import JOURNAL_WAIT_S, Dispatcher
from actors.tasks.feed import FeedPage
from actors.tasks.retention import Retention
from actors.tasks.row import TaskRow, record_of
from actors.tasks.submissions import Submissions
from actors.tasks.table import TaskTable
from actors.tasks.task_log import Journal
from actors.tasks.usage import usage
from rfuav_ray.errors import TaskConflict
from rfuav_ray.logs import write_to_log_file
from rfuav_ray.machine.hardware import read_cpu
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskRecord, TaskStatus

logger = logging.getLogger(__name__)

Method = TypeVar("Method", bound=Callable[..., Coroutine[Any, Any, Any]])


def owner_of(settings: Settings) -> str:
    """The identity of a service: its host and its state folder. Only one service at a time can have it."""
    return f"{os.uname().nodename}:{settings.state_dir}"


def _uninterrupted(method: Method) -> Method:
    """Let the method finish even if its caller goes away: after half a change, memory and store would disagree."""

    @wraps(method)
    async def run(*arguments: Any) -> Any:
        return await asyncio.shield(asyncio.create_task(method(*arguments)))

    return cast("Method", run)


class TaskManager:
    """The Ray actor that manages all tasks.

    Every public method except `owner` first waits for `start`, so that a restarted actor knows the stored tasks.
    """

    def __init__(self, settings: Settings, metrics_actor: Any, supervisor_actor: Any) -> None:
        write_to_log_file(settings, rotates=True)
        self._settings = settings
        gauges = QueueGauges()
        self._journal = Journal(metrics_actor)
        store = Store(database_url(settings.database_url, settings.state_dir))
        self._table = TaskTable(store, gauges)
        self._dispatcher = Dispatcher(settings, store, self._table, self._journal, gauges, supervisor_actor)
        self._submissions = Submissions(settings.task_queue_size, self._table, self._dispatcher, self._journal)
        self._retention = Retention(settings.task_retention_days, self._table, self._journal)
        self._starting: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the stored tasks, find the runs that are still alive, and start tasks.

        It is done once. Another call waits for it, or repeats it if it failed.
        """
        if self._starting is None or (self._starting.done() and self._starting.exception()):
            self._starting = asyncio.create_task(self._recover())
        await asyncio.shield(self._starting)

    async def owner(self) -> str:
        """The identity of the service that started this actor; see `owner_of`."""
        return owner_of(self._settings)

    @_uninterrupted
    async def submit_batch(self, submissions: Sequence[Sequence[str]]) -> "list[list[TaskRow] | Exception]":
        """Accept new tasks. When this returns, the accepted tasks are stored and no crash loses them.

        Each submission is accepted completely or not at all, and is answered separately.

        Args:
            submissions: The tasks of each submission, as JSON of TaskRecords. Pickled models would take three
                times as long.

        Returns:
            For each submission its tasks or its error: TaskConflict (an id is in use), ServiceBusy (the queue is
            full, the service is stopping, or the store failed), or InvalidInput (a device is unknown).
        """
        await self.start()
        return await self._submissions.accept(submissions)

    async def get(self, task_id: str) -> TaskRecord:
        """Return a task.

        Raises:
            TaskNotFound: There is no such task.
        """
        await self.start()
        return self._table.get(task_id)

    async def changes(self, incarnation: str, after: int, wait_s: float) -> FeedPage:
        """The tasks that changed after version `after` of the feed; see TaskFeed.read."""
        await self.start()
        return await self._table.feed.read(incarnation, after, wait_s)

    async def report_progress(self, task_id: str, attempt: int, progress: Progress) -> Instruction:
        """Record the progress that a run reports, and return its order."""
        await self.start()
        order = self._dispatcher.order(task_id, attempt)
        if order != "continue":
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
        """Cancel a task. A waiting task ends at once, a running one is asked to stop. A second call kills its run.

        Raises:
            TaskNotFound: There is no such task.
            TaskConflict: The task has already ended.
        """
        await self.start()
        task = self._table.get(task_id)
        if task.status.is_ended:
            raise TaskConflict(f"Task '{task_id}' has already ended: it is {task.status.value}.")
        if task.status is TaskStatus.PENDING:
            self._dispatcher.queue.discard(task_id)
            return await self._dispatcher.end(task, Outcome("cancelled"))
        if task.cancel_requested:
            self._journal.write(task_id, "Cancel requested again: the run is killed.", level="WARNING")
            self._dispatcher.stop_run(task, at_once=True)
        else:
            task = self._table.change(task.evolve(cancel_requested=True, message="Stopping: cancel requested."))
            self._journal.write(task_id, "Cancel requested.", level="WARNING")
            self._dispatcher.stop_run(task)
            await self._table.store_with_retries(task_id)
        return self._table.get(task_id)

    @_uninterrupted
    async def set_priority(self, task_id: str, priority: int) -> TaskRecord:
        """Move a waiting task in the queue.

        Raises:
            TaskNotFound: There is no such task.
            TaskConflict: The task is not waiting.
        """
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
        """Delete the record and the events of an ended task.

        Raises:
            TaskNotFound: There is no such task.
            TaskConflict: The task has not ended.
        """
        await self.start()
        task = self._table.get(task_id)
        if not task.status.is_ended:
            raise TaskConflict(f"Task '{task_id}' is {task.status.value}; cancel it before deleting it.")
        await self._table.delete([task_id], self._journal)

    @_uninterrupted
    async def stop(self, timeout_s: float) -> None:
        """Stop accepting and starting tasks, let the runs keep their work and end, then end the event streams.

        Args:
            timeout_s: How long to wait for the runs.
        """
        await self.start()
        await self._dispatcher.stop(timeout_s)
        await self._journal.flush(JOURNAL_WAIT_S)
        self._table.feed.end()

    async def resources(self) -> dict[str, Any]:
        """The slots in use, the tasks that hold them, the limits by device, and the GPUs."""
        await self.start()
        return usage(self._table, self._dispatcher)

    async def devices_are_ready(self, wait_s: float) -> bool:
        """Wait up to `wait_s` seconds until every device is open. Returns whether every device is open."""
        await self.start()
        return await self._dispatcher.devices.are_open(wait_s)

    async def cpus(self) -> list[dict[str, Any]]:
        """The CPU reading of every node, the head node first."""
        await self.start()
        return self._dispatcher.pool.cpus() or [read_cpu()]  # no node has been read yet

    @_uninterrupted
    async def update_limits(self, limits: Limits) -> dict[str, dict[str, int]]:
        """Change limits. Waiting tasks start at once if the new limits allow it.

        Args:
            limits: The new limits by device and kind. `cuda` means every GPU.

        Returns:
            The limits of all devices.

        Raises:
            InvalidInput: A device is unknown.
        """
        await self.start()
        await self._dispatcher.change_limits(limits)
        limits = self._dispatcher.devices.limits()
        logger.info("the limits are now %s", limits)
        return limits

    async def _recover(self) -> None:
        await self._dispatcher.find_devices()
        self._dispatcher.recover(await self._table.load())
        self._closing = asyncio.create_task(self._close_streams(self._table.ended()))
        self._retention.begin()

    async def _close_streams(self, ended: Sequence[TaskRow]) -> None:
        """Write the last event of tasks whose end is stored but whose stream is still open."""
        closed_streams = await self._journal.closed_streams()
        for row in ended:
            found = self._table.feed.get(row.id)
            # With another number, the task was deleted meanwhile and a new task has its id.
            if row.id not in closed_streams and found is not None and found.number == row.number:
                self._journal.close(record_of(row))
