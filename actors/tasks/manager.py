"""TaskManager: accepts, queues, starts and ends tasks. Only it writes their records and their logs."""

import asyncio
import logging
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from actors.background import Jobs, uninterrupted
from actors.devices.device_watch import DeviceWatch
from actors.devices.limits import Limits
from actors.devices.usage import Figures, gpu_info, shown_limits, usage
from actors.events.gauges import QueueGauges, publish_again
from actors.events.window import Entry
from actors.runs.spec import ReportAnswer, RunReport
from actors.store.backup_schedule import Backups
from actors.store.ownership import Owner, OwnershipLost
from actors.store.ownership_renewal import OwnershipRenewal
from actors.store.row import TaskRow
from actors.store.store import Store, database_url
from actors.tasks.active_runs import ActiveRuns
from actors.tasks.feed import FeedPage
from actors.tasks.reports import Reports
from actors.tasks.retention import Retention
from actors.tasks.scheduler import Scheduler
from actors.tasks.service_entries import service_entry
from actors.tasks.submissions import Submissions
from actors.tasks.table import TaskTable
from rfuav_ray.errors import TaskConflict
from rfuav_ray.file_access.roots import confine
from rfuav_ray.logs import write_to_log_file
from rfuav_ray.machine.hardware import read_cpu
from rfuav_ray.objects.access import allow_objects
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskStatus

logger = logging.getLogger(__name__)

#: how long a stopping service waits for its store
STORED_WITHIN_S = 2.0


def owner_of(settings: Settings) -> str:
    """The identity of a service: its host and its state folder. Only one service at a time can have it."""
    return f"{os.uname().nodename}:{settings.state_dir}"


class TaskManager:
    """The Ray actor that manages all tasks.

    Every public method except `owner` and `settings` first waits for `start`, so that a restarted actor knows
    the stored tasks.
    """

    def __init__(self, settings: Settings, supervisor_actor: Any, owner: Owner | None = None) -> None:
        write_to_log_file(settings, rotates=True)
        self._settings = settings
        confine(settings.folder_roots, settings.private_paths)
        allow_objects(settings.objects)
        self._gauges = QueueGauges()
        url = database_url(settings.database_url, settings.state_dir)
        store = Store(url, owner)
        #: all tasks; only this actor changes them
        self.table = TaskTable(store, self._gauges)
        self._devices = DeviceWatch(settings, store)
        self._scheduler = Scheduler(self._devices.pool.free_memory_gb)
        self._runs = ActiveRuns(settings, self.table, self._scheduler, self._devices, supervisor_actor)
        self._submissions = Submissions(
            settings.task_queue_size, self.table, self._scheduler, self._runs.carry_out
        )
        self._reports = Reports(self.table, self._scheduler, self._runs.heard)
        self._retention = Retention(settings.task_retention_days, self.table)
        self._backups = Backups(url)
        self._ownership = OwnershipRenewal(store, self._lost)
        self._jobs = Jobs()
        self._starting: asyncio.Task[None] | None = None

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

    async def settings(self) -> Settings:
        """The settings of this actor."""
        return self._settings

    @uninterrupted
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

    async def get(self, task_id: str) -> TaskRow:
        """Return a task as it is stored.

        Raises:
            TaskNotFound: There is no such task.
        """
        await self.start()
        return self.table.row(task_id)

    async def changes(self, incarnation: str, after: int, wait_s: float) -> FeedPage:
        """The changes of tasks after version `after` of the feed; see TaskFeed.read."""
        await self.start()
        return await self.table.feed.read(incarnation, after, wait_s)

    @uninterrupted
    async def report(self, report: RunReport) -> ReportAnswer:
        """Record what a run reports, and tell it how to go on."""
        await self.start()
        return await self._reports.accept(report)

    @uninterrupted
    async def log(self, task_id: str, entries: Sequence[Entry]) -> int:
        """Add entries to the log of a task that has not ended. Waits until they are stored.

        Returns:
            The sequence number of the last entry.

        Raises:
            TaskNotFound: There is no such task.
            TaskConflict: The task has ended.
        """
        await self.start()
        task = self.table.get(task_id)
        if task.status.is_ended:
            raise TaskConflict(f"Task '{task_id}' has ended: its log is complete.")
        self.table.change(task, *entries)
        await self.table.stored(task_id)
        return self.table.row(task_id).last_sequence

    @uninterrupted
    async def cancel(self, task_id: str) -> TaskRow:
        """Cancel a task. A waiting task ends at once, a running one is asked to stop. A second call kills its run.

        Raises:
            TaskNotFound: There is no such task.
            TaskConflict: The task has already ended.
        """
        await self.start()
        await self._runs.cancel(task_id)
        return self.table.row(task_id)

    @uninterrupted
    async def set_priority(self, task_id: str, priority: int) -> TaskRow:
        """Move a waiting task in the queue.

        Raises:
            TaskNotFound: There is no such task.
            TaskConflict: The task is not waiting.
        """
        await self.start()
        task = self.table.get(task_id)
        if task.status is not TaskStatus.PENDING:
            raise TaskConflict(f"Task '{task_id}' is {task.status.value}; only a waiting task can be moved.")
        task = task.evolve(priority=priority)
        self._scheduler.put(task)
        self.table.change(task, service_entry(task_id, f"Priority is now {priority}."))
        self._runs.carry_out(self._scheduler.decide())  # it may have been behind a task that needs several slots
        await self.table.stored(task_id)
        return self.table.row(task_id)

    @uninterrupted
    async def delete(self, task_id: str) -> None:
        """Delete the record and the events of an ended task.

        Raises:
            TaskNotFound: There is no such task.
            TaskConflict: The task has not ended.
        """
        await self.start()
        task = self.table.get(task_id)
        if not task.status.is_ended:
            raise TaskConflict(f"Task '{task_id}' is {task.status.value}; cancel it before deleting it.")
        await self.table.delete([task_id])

    @uninterrupted
    async def stop(self, timeout_s: float) -> None:
        """Stop accepting and starting tasks, let the runs keep their work and end, then end the event streams.

        At last it makes a backup of the store.

        Args:
            timeout_s: How long to wait for the runs.
        """
        await self.start()
        await self._runs.stop(timeout_s)
        await self.table.flush(STORED_WITHIN_S)
        self.table.feed.end()
        await self._backups.last()  # while the streams end
        await self._ownership.end()

    async def resources(self) -> dict[str, Any]:
        """The slots in use, the tasks that hold them, the limits by device, and the GPUs."""
        await self.start()
        return usage(
            self._scheduler.slots,
            self._devices.pool,
            self._runs.gpu_memory,
            kind_of=lambda task_id: self.table.get(task_id).kind,
        )

    async def figures(self) -> Figures:
        """The slots, the runs since the start of this actor, and the GPUs, for monitoring."""
        await self.start()
        slots = self._scheduler.slots
        gpus = gpu_info(self._devices.pool, slots.holdings, self._runs.gpu_memory)["devices"]
        return Figures(list(slots.uses()), self._gauges.runs, gpus)

    async def devices_are_ready(self, wait_s: float) -> bool:
        """Wait up to `wait_s` seconds until every device is open. Returns whether every device is open."""
        await self.start()
        return await self._devices.are_open(wait_s)

    async def cpus(self) -> list[dict[str, Any]]:
        """The CPU reading of every node, the head node first."""
        await self.start()
        return self._devices.pool.cpus() or [read_cpu()]  # no node has been read yet

    @uninterrupted
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
        await self._devices.change_limits(limits)
        limits = shown_limits(self._scheduler.slots)
        logger.info("the limits are now %s", limits)
        return limits

    async def _recover(self) -> None:
        await self._ownership.begin()
        await self._devices.begin()
        self._runs.recover(await self.table.load())
        self._retention.begin()
        self._backups.begin()
        publish = partial(self._gauges.publish, self._scheduler.slots)
        self._jobs.keep("the gauges", partial(publish_again, publish))

    def _lost(self, error: OwnershipLost) -> None:
        """Another service runs these tasks now. End the runs here, and answer every call with the error."""
        self._starting = None  # and `start` fails from now on
        self._runs.abandon(str(error))
