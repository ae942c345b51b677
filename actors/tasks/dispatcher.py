"""Dispatcher: starts waiting tasks on devices, and follows their runs to the end."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actors.background import Jobs
from actors.devices.device_slots import DeviceSlots
from actors.devices.limits import Limits
from actors.devices.numbering import ANY_GPU, CPU
from actors.devices.slots import slot_kind
from actors.events.gauges import QueueGauges
from actors.events.window import Entry
from actors.runs.plan import ending, plan
from actors.runs.spec import Outcome
from actors.runs.tracker import RunTracker
from actors.store.store import Store
from actors.tasks.leases import leased_folder
from actors.tasks.queue import TaskQueue
from actors.tasks.service_entries import last_entry, service_entry
from actors.tasks.table import TaskTable
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.outputs.ownership import claim
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskRecord, TaskStatus, advance

logger = logging.getLogger(__name__)

#: when a task takes a folder, the message of this many waiting tasks is updated: thousands would take long
WAITING_SHOWN = 200


class Dispatcher:
    """The part of the TaskManager that starts and ends runs. It uses the TaskManager's table."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        table: TaskTable,
        gauges: QueueGauges,
        supervisor_actor: Any,
    ) -> None:
        self._max_retries = settings.max_run_retries
        self._silence_limit_s = settings.run_silence_s
        self._table = table
        self._gauges = gauges
        self._supervisor_actor = supervisor_actor
        self.devices = DeviceSlots(settings, store)
        self.pool, self.slots = self.devices.pool, self.devices.slots
        self.queue = TaskQueue()
        #: the runs between slot and outcome, by task id
        self.trackers: dict[str, RunTracker] = {}
        #: bytes that torch uses, and bytes that it has reserved, for runs on a GPU, by task id
        self.gpu_memory: dict[str, tuple[int, int]] = {}
        self.is_stopping = False
        self._is_watching = False
        self._jobs = Jobs()
        #: the jobs that follow a run
        self._followed: set[asyncio.Task[None]] = set()

    async def find_devices(self) -> None:
        """Find the cluster's devices, and watch them from then on."""
        await self.devices.load()
        await self._look()
        if not self._is_watching:  # the call may be repeated
            self._is_watching = True
            self._jobs.keep(self._watch_devices)
            if self._silence_limit_s:
                self._jobs.keep(self._watch_silence)

    async def _watch_devices(self) -> None:
        while True:
            await self.pool.news()
            await self._look_safely()

    async def _look_safely(self) -> None:
        try:
            await self._look()
        except Exception:
            logger.exception("the cluster's devices could not be read, trying again later")

    async def _look(self) -> None:
        lost = await self.devices.read()
        with self._updating_reasons():
            self.devices.apply(lost)
        for holding in self.slots.holdings:
            if holding.device in lost:
                self._give_up_on(holding.device, holding.task_id)

    def _give_up_on(self, device: str, task_id: str) -> None:
        """End a run whose node is gone. Ray would wait for ever if the run had not started."""
        self.trackers[task_id].give_up(f"The node of {device} left the cluster.")

    async def change_limits(self, limits: Limits) -> None:
        """Change limits; see TaskManager.update_limits."""
        await self.devices.store_limits(limits)
        with self._updating_reasons():
            self.devices.apply()

    @contextmanager
    def _updating_reasons(self) -> Iterator[None]:
        """Start the tasks that a change of the devices allows. Update tasks whose reason to wait has changed."""
        before = {line: line.waits_for(self.slots) for line in self.queue.lines}
        yield
        self.start_runs()
        for line in self.queue.lines:
            reason = line.waits_for(self.slots)
            if reason != before.get(line):
                for task_id in self.queue.ids(line):
                    if self.queue.waits_for(self._table.get(task_id), self.slots) == reason:
                        self.log_reason(task_id)
                    else:
                        self.show_reason(task_id)

    def show_reason(self, task_id: str) -> None:
        """Write the reason to wait into the task's record."""
        task = self._table.get(task_id)
        self._table.change(task.evolve(message=self.queue.waits_for(task, self.slots)), durable=False)

    def log_reason(self, task_id: str) -> None:
        """Write the reason to wait into the task's record and log."""
        task = self._table.get(task_id)
        reason = self.queue.waits_for(task, self.slots)
        self._table.change(task.evolve(message=reason), service_entry(task_id, reason))

    def _show_folder_holder(self, folder: str | None) -> None:
        """Update the messages of the next tasks that wait for the folder.

        Their logs get no entry: each new holder would add a line.
        """
        for task_id in self.queue.next_for(folder, WAITING_SHOWN):
            self.show_reason(task_id)

    def recover(self, tasks: Sequence[TaskRecord]) -> None:
        """Take over the waiting tasks from before a restart, and the runs that may still be alive."""
        for task in tasks:
            if task.attempt > 0:  # the task was started and has not ended
                self.queue.leases.take(leased_folder(task), task.id)
            if task.status is TaskStatus.PENDING:
                self.queue.put(task)
            elif task.status is TaskStatus.RUNNING and task.device is not None:
                self.slots.hold(task.id, task.device, slot_kind(task.kind), task.device_share)
                tracker = self._track(task, is_at_supervisor=True)
                self._spawn_followed(self._follow(task, tracker))
                if task.cancel_requested:  # the actor may have died before the grace time was over
                    tracker.cancel()
                if task.device not in self.pool.devices:
                    self._give_up_on(task.device, task.id)
        self.start_runs()
        for line in self.queue.lines:
            for task_id in self.queue.ids(line):
                self.show_reason(task_id)

    async def stop(self, timeout_s: float) -> None:
        """Start no more runs. Wait up to `timeout_s` for the active ones: their next report tells them to end."""
        self.is_stopping = True
        if self._followed:
            await asyncio.wait(self._followed, timeout=timeout_s)

    def abandon(self, reason: str) -> None:
        """Start no more runs, and end the active ones: another service has their tasks."""
        self.is_stopping = True
        for tracker in self.trackers.values():
            tracker.give_up(reason)

    def start_runs(self) -> None:
        """Start all tasks that can have a slot now. There is no await: queue, slots and table always agree."""
        if self.is_stopping:
            return
        for task, device in self.queue.startable(self.slots, self.pool.free_memory_gb):
            running = advance(
                self._table.get(task.id),
                TaskStatus.RUNNING,
                device=device,
                device_share=self.slots.fraction(task.id),
                attempt=task.attempt + 1,
                reported_entries=0,
                message=f"Starting on {device}.",
            )
            self._table.change(running, *_starting(running, device))
            self._spawn_followed(self._run(running, self._track(running)))
            self._show_folder_holder(leased_folder(task))
        self._gauges.show_slots(self.slots)

    async def _run(self, task: TaskRecord, tracker: RunTracker) -> None:
        async def prepare() -> None:
            await self._table.stored(task.id)
            if not self._table.get(task.id).cancel_requested:
                await self._take_folder(task)

        outcome = await tracker.start(prepare, lambda: plan(task, self.pool, self.slots))
        await self._finish(task.id, outcome)

    async def _take_folder(self, task: TaskRecord) -> None:
        """Move an earlier task's files out of the folder, and correct the paths in its result. Raises OSError."""
        folder = leased_folder(task)
        if folder is None or not KINDS[task.kind].shares_folder:  # the others write only into an empty folder
            return
        moved = await asyncio.to_thread(claim, Path(folder), task.kind, task.id, is_first=task.attempt == 1)
        if moved is None:
            return
        if moved.is_new:
            self._table.log(task.id, f"'{folder}' contained {moved}", level="WARNING")
        await self._table.move_results(Path(folder), moved)

    async def _follow(self, task: TaskRecord, tracker: RunTracker) -> None:
        await self._finish(task.id, await tracker.follow())

    async def _finish(self, task_id: str, outcome: Outcome) -> None:
        if outcome.status == "lost":
            # The node may be gone too: the next task must not start there.
            await self._look_safely()
        if outcome.traceback is not None:
            logger.error("the run of task %s failed:\n%s", task_id, outcome.traceback)
        self.slots.release(task_id)
        del self.trackers[task_id]
        self.gpu_memory.pop(task_id, None)
        task = self._table.get(task_id)
        if not task.cancel_requested and self._may_retry(task, outcome):
            await self._queue_again(task, outcome)
        else:
            await self.end(task, outcome)
        self.start_runs()
        if task_id in self.queue and not self.is_stopping:
            self.log_reason(task_id)

    def _may_retry(self, task: TaskRecord, outcome: Outcome) -> bool:
        is_interrupted = outcome.status == "interrupted"
        return is_interrupted or (outcome.status == "lost" and task.losses < self._max_retries)

    async def _queue_again(self, task: TaskRecord, outcome: Outcome) -> None:
        losses = task.losses + (outcome.status == "lost")
        retry = f": retry {losses} of {self._max_retries}" if outcome.status == "lost" else ""
        entry = service_entry(task.id, f"{outcome.error} Queued again{retry}.", "WARNING")
        waiting = advance(
            task,
            TaskStatus.PENDING,
            message="The run ended early. The task waits to resume.",
            device=None,
            device_share=0.0,
            losses=losses,
        )
        self.queue.put(self._table.change(waiting, entry))
        await self._table.stored(task.id)

    async def end(self, task: TaskRecord, outcome: Outcome) -> TaskRecord:
        status, changes = ending(task, outcome)
        ended = advance(task, status, **changes)
        self._table.change(ended, last_entry(ended))
        folder = leased_folder(task)
        self.queue.leases.release(folder, task.id)
        self.start_runs()
        if self.queue.leases.other_holder(folder, task.id) is None:  # else the start of that task has done it
            self._show_folder_holder(folder)
        return await self._table.stored(ended.id)

    def _track(self, task: TaskRecord, *, is_at_supervisor: bool = False) -> RunTracker:
        tracker = self.trackers[task.id] = RunTracker(
            f"{task.id}:{task.attempt}",
            self._supervisor_actor,
            cancel_grace_s=KINDS[task.kind].cancel_grace_s,
            silence_limit_s=self._silence_limit_s,
            is_at_supervisor=is_at_supervisor,
            has_reported=is_at_supervisor and task.reported_entries > 0,
        )
        return tracker

    async def _watch_silence(self) -> None:
        """Count the time in which runs report nothing, without the time in which this process stands still."""
        every_s = min(max(self._silence_limit_s / 20, 0.05), 10.0)
        while True:
            before_s = time.monotonic()
            await asyncio.sleep(every_s)
            elapsed_s = min(time.monotonic() - before_s, 2 * every_s)
            for tracker in list(self.trackers.values()):
                tracker.pass_time(elapsed_s)

    def _spawn_followed(self, run: Coroutine[Any, Any, None]) -> None:
        following = self._jobs.spawn(run)
        self._followed.add(following)
        following.add_done_callback(self._followed.discard)


def _starting(task: TaskRecord, device: str) -> list[Entry]:
    entries = [service_entry(task.id, f"Starting on {device}.")]
    if task.wanted_device == ANY_GPU and device == CPU:
        no_gpu = service_entry(task.id, "The cluster has no GPU: running on the CPU.", "WARNING")
        entries.insert(0, no_gpu)
    return entries
