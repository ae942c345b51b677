"""Dispatcher: starts waiting tasks on devices, and follows their runs to the end."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.exceptions import RayError, RayTaskError

from actors.background import RETRY_S, Jobs, until, with_retries
from actors.devices.device_slots import DeviceSlots
from actors.devices.limits import Limits
from actors.devices.numbering import ANY_GPU, CPU
from actors.devices.slots import slot_kind
from actors.events.gauges import QueueGauges
from actors.runs.spec import Instruction, Outcome
from actors.store.store import Store
from actors.tasks.leases import leased_folder
from actors.tasks.queue import TaskQueue
from actors.tasks.run_plan import ending, own_actor, plan
from actors.tasks.table import TaskTable
from actors.tasks.task_log import Journal
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.errors import TaskNotFound
from rfuav_ray.outputs.ownership import claim
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskRecord, TaskStatus, advance

logger = logging.getLogger(__name__)

#: when a task takes a folder, the message of this many waiting tasks is updated: thousands would take long
WAITING_SHOWN = 200
JOURNAL_WAIT_S = 2.0


class Dispatcher:
    """The part of the TaskManager that starts and ends runs. It uses the TaskManager's table and journal."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        table: TaskTable,
        journal: Journal,
        gauges: QueueGauges,
        supervisor_actor: Any,
    ) -> None:
        self._max_retries = settings.max_run_retries
        self._table = table
        self._journal = journal
        self._gauges = gauges
        self._supervisor_actor = supervisor_actor
        self.devices = DeviceSlots(settings, store)
        self.pool, self.slots = self.devices.pool, self.devices.slots
        self.queue = TaskQueue()
        #: bytes that torch uses, and bytes that it has reserved, for runs on a GPU, by task id
        self.gpu_memory: dict[str, tuple[int, int]] = {}
        self.is_stopping = False
        self._jobs = Jobs()
        #: the jobs that follow a run
        self._followed: set[asyncio.Task[None]] = set()

    async def find_devices(self) -> None:
        """Find the cluster's devices, and watch them from then on."""
        await self.devices.load()
        await self._look()
        self._jobs.spawn(self._watch_devices())

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
                self._jobs.spawn(self._give_up(self._table.get(holding.task_id)))

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
                    if self.show_reason(task_id) == reason:
                        self._journal.write(task_id, reason)

    def show_reason(self, task_id: str) -> str:
        """Write the reason to wait into the task's record, and return the reason."""
        task = self._table.get(task_id)
        reason = self.queue.waits_for(task, self.slots)
        self._table.show_progress(task.evolve(message=reason))
        return reason

    def _show_folder_holder(self, folder: str | None) -> None:
        """Update the messages of the next tasks that wait for the folder.

        Their logs get no entry: each new holder would add a line.
        """
        for task_id in self.queue.next_for(folder, WAITING_SHOWN):
            self.show_reason(task_id)

    async def _give_up(self, task: TaskRecord) -> None:
        """End a run whose node is gone. Ray would wait for ever if the run had not started."""
        reason = f"The node of {task.device} left the cluster."
        await self._supervisor_actor.give_up.remote(f"{task.id}:{task.attempt}", reason)

    def recover(self, tasks: Sequence[TaskRecord]) -> None:
        """Take over the waiting tasks from before a restart, and the runs that may still be alive."""
        for task in tasks:
            if task.attempt > 0:  # the task was started and has not ended
                self.queue.leases.take(leased_folder(task), task.id)
            if task.status is TaskStatus.PENDING:
                self.queue.put(task)
            elif task.status is TaskStatus.RUNNING and task.device is not None:
                self.slots.hold(task.id, task.device, slot_kind(task.kind), task.device_share)
                self._spawn_followed(self._follow(task))
                if task.cancel_requested:  # the actor may have died before the grace time was over
                    self.stop_run(task)
                if task.device not in self.pool.devices:
                    self._jobs.spawn(self._give_up(task))
        self.start_runs()
        for line in self.queue.lines:
            for task_id in self.queue.ids(line):
                self.show_reason(task_id)

    async def stop(self, timeout_s: float) -> None:
        """Start no more runs, and wait up to `timeout_s` for the active ones to end. `order` tells them to end."""
        self.is_stopping = True
        if self._followed:
            await asyncio.wait(self._followed, timeout=timeout_s)

    def order(self, task_id: str, attempt: int) -> Instruction:
        """The order for a run that reports."""
        try:
            task = self._table.get(task_id)
        except TaskNotFound:
            return "interrupt"
        if task.status is not TaskStatus.RUNNING or task.attempt != attempt:
            return "interrupt"  # another run has the task: do not touch its files
        if task.cancel_requested:
            return "cancel"
        return "interrupt" if self.is_stopping else "continue"

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
                message=f"Starting on {device}.",
            )
            self._spawn_followed(self._run(self._table.change(running)))
            self._show_folder_holder(leased_folder(task))
        self._gauges.show_slots(self.slots)

    async def _run(self, task: TaskRecord) -> None:
        device = task.device or CPU
        await self._table.store_with_retries(task.id)
        if task.wanted_device == ANY_GPU and device == CPU:
            self._journal.write(task.id, "The cluster has no GPU: running on the CPU.", level="WARNING")
        self._journal.write(task.id, f"Starting on {device}.")
        try:
            # A client may cancel the task before there is a run that could be stopped.
            if not self._table.get(task.id).cancel_requested:
                await self._take_folder(task)
            if self._table.get(task.id).cancel_requested:
                await self._finish(task.id, Outcome("cancelled"))
                return
            spec, options = plan(task, device, self.pool, self.slots)
            outcome_ref = self._supervisor_actor.run.remote(spec, options, own_actor())
        except Exception as error:
            logger.warning("run %s:%s could not be started", task.id, task.attempt, exc_info=True)
            await self._finish(task.id, Outcome("failed", error=f"The run could not be started: {error}"))
        else:
            await self._collect(task.id, outcome_ref)

    async def _take_folder(self, task: TaskRecord) -> None:
        """Move an earlier task's files out of the folder, and correct the paths in its result. Raises OSError."""
        if (folder := leased_folder(task)) is None:
            return
        moved = await asyncio.to_thread(claim, Path(folder), task.kind, task.id, is_first=task.attempt == 1)
        if moved is None:
            return
        if moved.is_new:
            self._journal.write(task.id, f"'{folder}' contained {moved}", level="WARNING")
        await with_retries(
            lambda: self._table.move_results(Path(folder), moved), f"the moved results of {moved.task_id}"
        )

    async def _follow(self, task: TaskRecord) -> None:
        """Wait for a run that was started before this actor restarted."""
        await self._collect(task.id, self._supervisor_actor.wait.remote(f"{task.id}:{task.attempt}"))

    async def _collect(self, task_id: str, outcome_ref: Any) -> None:
        try:
            outcome = await outcome_ref
        except RayTaskError as error:
            outcome = Outcome("failed", error=f"The run's supervisor failed: {error.cause!r}")
        except RayError:
            outcome = Outcome("interrupted", error="The run ended because its supervisor died.")
            await self._wait_for_supervisor()
        await self._finish(task_id, outcome)

    async def _wait_for_supervisor(self) -> None:
        """Wait for the supervisor to restart. A run started before that would be lost too."""
        while True:
            try:
                await self._supervisor_actor.ping.remote()
                return
            except RayError:
                await asyncio.sleep(RETRY_S)

    async def _finish(self, task_id: str, outcome: Outcome) -> None:
        if outcome.status == "lost":
            # The node may be gone too: the next task must not start there.
            await self._look_safely()
        if outcome.traceback is not None:
            logger.error("the run of task %s failed:\n%s", task_id, outcome.traceback)
        self.slots.release(task_id)
        self.gpu_memory.pop(task_id, None)
        task = self._table.get(task_id)
        if not task.cancel_requested and self._may_retry(task, outcome):
            await self._queue_again(task, outcome)
        else:
            await self.end(task, outcome)
        self.start_runs()
        if task_id in self.queue and not self.is_stopping:
            self._journal.write(task_id, self.show_reason(task_id))

    def _may_retry(self, task: TaskRecord, outcome: Outcome) -> bool:
        is_interrupted = outcome.status == "interrupted"
        return is_interrupted or (outcome.status == "lost" and task.losses < self._max_retries)

    async def _queue_again(self, task: TaskRecord, outcome: Outcome) -> None:
        losses = task.losses + (outcome.status == "lost")
        retry = f": retry {losses} of {self._max_retries}" if outcome.status == "lost" else ""
        self._journal.write(task.id, f"{outcome.error} Queued again{retry}.", level="WARNING")
        waiting = advance(
            task,
            TaskStatus.PENDING,
            message="The run ended early. The task waits to resume.",
            device=None,
            device_share=0.0,
            losses=losses,
        )
        self.queue.put(self._table.change(waiting))
        await self._table.store_with_retries(task.id)

    def stop_run(self, task: TaskRecord, *, at_once: bool = False) -> None:
        """Kill the task's run if it does not stop by itself within its grace time, or at once."""
        grace_s = 0.0 if at_once else KINDS[task.kind].cancel_grace_s
        self._jobs.spawn(until(self._supervisor_actor.cancel.remote(f"{task.id}:{task.attempt}", grace_s)))

    async def end(self, task: TaskRecord, outcome: Outcome) -> TaskRecord:
        status, changes = ending(task, outcome)
        ended = self._table.change(advance(task, status, **changes))
        folder = leased_folder(task)
        self.queue.leases.release(folder, task.id)
        self.start_runs()
        if self.queue.leases.other_holder(folder, task.id) is None:  # else the start of that task has done it
            self._show_folder_holder(folder)
        await self._table.store_with_retries(ended.id)
        # With a timeout: while the metrics actor is away, the journal keeps trying in the background.
        await asyncio.wait({self._journal.close(ended)}, timeout=JOURNAL_WAIT_S)
        return ended

    def _spawn_followed(self, run: Coroutine[Any, Any, None]) -> None:
        following = self._jobs.spawn(run)
        self._followed.add(following)
        following.add_done_callback(self._followed.discard)
