"""TaskManager: accepts, queues, starts and ends tasks. The only writer of their records."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayActorError

from actors.device_pool import DevicePool
from actors.gauges import QueueGauges
from actors.journal import Journal
from actors.runs import Outcome, Progress, RunSpec
from actors.slots import TRAINING, Caps, SlotTable, slot_kind
from actors.store import Store, database_url
from actors.task_feed import FeedPage
from actors.task_queue import ANY_GPU, CPU, TaskQueue
from actors.task_table import TaskTable
from rfuav_ray.errors import InvalidInput, ServiceBusy, TaskConflict
from rfuav_ray.logs import write_to_log_file
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskRecord, TaskStatus, advance

logger = logging.getLogger("rfuav.tasks")

QUEUE_FULL_RETRY_S = 10


class TaskManager:
    """Every public method first waits for `start`, so that a restarted actor answers from the stored tasks."""

    def __init__(self, settings: Settings, metrics_actor: Any, supervisor_actor: Any) -> None:
        write_to_log_file(settings, rotates=True)
        self._settings = settings
        self._supervisor_actor = supervisor_actor
        self._journal = Journal(metrics_actor)
        self._gauges = QueueGauges()
        self._table = TaskTable(Store(database_url(settings.database_url, settings.state_dir)), self._gauges)
        self._pool = DevicePool()
        self._slots = SlotTable(self._pool.caps(settings))
        self._queue = TaskQueue()
        self._starting: asyncio.Task[None] | None = None
        self._jobs: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Load what is stored, find the runs that are still alive, start what can run. Once."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._recover())
        await asyncio.shield(self._starting)

    async def submit(self, tasks: Sequence[TaskRecord]) -> list[TaskRecord]:
        """Accept new tasks, all or none: when this returns they are stored and nothing loses them.

        Raises TaskConflict (id in use), ServiceBusy (queue full), InvalidInput (no such device).
        """
        await self.start()
        if len(self._queue) + len(tasks) > self._settings.task_queue_size:
            raise ServiceBusy(
                f"The queue is full: {len(self._queue)} tasks are waiting. Try again later.",
                QUEUE_FULL_RETRY_S,
            )
        for task in tasks:
            if task.wanted_device != ANY_GPU and task.wanted_device not in self._pool.devices:
                raise InvalidInput(
                    "device",
                    f"there is no device '{task.wanted_device}'; there are {', '.join(self._pool.devices)}.",
                )
        stored = await self._table.add(tasks)
        for task in stored:
            self._queue.put(task)
            self._journal.write(task.id, f"Task accepted: {task.kind}, priority {task.priority}.")
        self._start_runs()
        return [self._table.get(task.id) for task in stored]

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

    async def cancel(self, task_id: str) -> TaskRecord:
        """End a waiting task at once, ask a running one to stop. Raises TaskNotFound, TaskConflict (ended)."""
        await self.start()
        task = self._table.get(task_id)
        if task.status.is_ended:
            raise TaskConflict(f"Task '{task_id}' has already ended: it is {task.status.value}.")
        if task.status is TaskStatus.PENDING:
            self._queue.discard(task_id)
            self._gauges.show_slots(self._slots)
            return await self._end(task, Outcome("cancelled"))
        if not task.cancel_requested:
            task = await self._table.save(task.evolve(cancel_requested=True, message="Stopping, as asked."))
            self._journal.write(task_id, "Asked to stop.", level="WARNING")
            self._spawn(_wait(self._supervisor_actor.cancel.remote(f"{task_id}:{task.attempt}")))
        return self._table.get(task_id)

    async def set_priority(self, task_id: str, priority: int) -> TaskRecord:
        """Move a waiting task in the queue. Raises TaskNotFound, TaskConflict (not waiting)."""
        await self.start()
        task = self._table.get(task_id)
        if task.status is not TaskStatus.PENDING:
            raise TaskConflict(f"Task '{task_id}' is {task.status.value}; only a waiting task can be moved.")
        self._queue.discard(task_id)
        task = task.evolve(priority=priority)
        self._queue.put(task)
        saved = await self._table.save(task)
        self._journal.write(task_id, f"Priority is now {priority}.")
        return saved

    async def delete(self, task_id: str) -> None:
        """Forget an ended task. Raises TaskNotFound, TaskConflict (it lives)."""
        await self.start()
        task = self._table.get(task_id)
        if not task.status.is_ended:
            raise TaskConflict(f"Task '{task_id}' is {task.status.value}; cancel it before deleting it.")
        await self._table.delete(task_id)
        await self._journal.forget(task_id)

    async def resources(self) -> dict[str, Any]:
        """Slots in use, who holds them, and the caps, by device."""
        await self.start()
        shown = (TRAINING, "inference")
        active: dict[str, list[dict[str, str]]] = {device: [] for device in self._slots.devices}
        for holding in self._slots.holdings:
            kind = self._table.get(holding.task_id).kind
            active.setdefault(holding.device, []).append({"id": holding.task_id, "type": kind})
        return {
            "device_usage": {
                device: {kind: self._slots.used(device, kind) for kind in shown} for device in self._slots.devices
            },
            "active_tasks": active,
            "limits": {device: {kind: caps[kind] for kind in shown} for device, caps in self._slots.caps.items()},
        }

    async def update_caps(self, caps: Caps) -> dict[str, dict[str, int]]:
        """Change caps by device, `cuda` meaning every GPU; waiting tasks start at once. Raises InvalidInput."""
        await self.start()
        known = [*self._pool.devices, *([ANY_GPU] if self._pool.gpus else [])]
        for device in caps:
            if device not in known:
                raise InvalidInput(
                    f"max_concurrent.{device}", f"there is no such device; there are {', '.join(known)}."
                )
        if every_gpu := caps.get(ANY_GPU):
            self._slots.update(dict.fromkeys(self._pool.gpus, every_gpu))
        self._slots.update({device: kinds for device, kinds in caps.items() if device != ANY_GPU})
        logger.info("caps are now %s", self._slots.caps)
        self._start_runs()
        limits: dict[str, dict[str, int]] = (await self.resources())["limits"]
        return limits

    async def _recover(self) -> None:
        for task in await self._table.load():
            if task.status is TaskStatus.PENDING:
                self._queue.put(task)
            elif task.status is TaskStatus.RUNNING and task.device is not None:
                self._slots.hold(task.id, task.device, slot_kind(task.kind))
                self._spawn(self._follow(task))
        self._start_runs()

    def _start_runs(self) -> None:
        for task, device in self._queue.startable(self._slots, self._pool.free_memory_gb):
            self._spawn(self._run(task, device))
        self._gauges.show_slots(self._slots)

    async def _run(self, task: TaskRecord, device: str) -> None:
        task = advance(
            task,
            TaskStatus.RUNNING,
            device=device,
            attempt=task.attempt + 1,
            message=f"Starting on {device}.",
        )
        await self._table.save(task)
        if task.wanted_device == ANY_GPU and device == CPU:
            self._journal.write(task.id, "There is no GPU: running on the CPU.", level="WARNING")
        self._journal.write(task.id, f"Starting on {device}.")
        spec = RunSpec(
            task.id,
            task.kind,
            task.attempt,
            task.request,
            device,
            self._pool.threads(self._concurrency(task)),
        )
        options = self._pool.run_options(device, self._slots.share(device))
        own_actor = ray.get_runtime_context().current_actor
        await self._collect(task.id, self._supervisor_actor.run.remote(spec, options, own_actor))

    async def _follow(self, task: TaskRecord) -> None:
        """Wait for a run that was started by an earlier life of this actor."""
        await self._collect(task.id, self._supervisor_actor.wait.remote(f"{task.id}:{task.attempt}"))

    async def _collect(self, task_id: str, outcome_ref: Any) -> None:
        try:
            outcome = await outcome_ref
        except ActorUnavailableError as error:
            outcome = Outcome("lost", error=f"The run's supervisor did not answer: {error}")
        except RayActorError:
            outcome = Outcome("lost", error="The run's supervisor died.")
        self._slots.release(task_id)
        task = self._table.get(task_id)
        retries = self._settings.max_run_retries
        if outcome.status == "lost" and not task.cancel_requested and task.attempt <= retries:
            await self._queue_again(task, outcome)
        else:
            await self._end(task, outcome)
        self._start_runs()

    async def _queue_again(self, task: TaskRecord, outcome: Outcome) -> None:
        self._journal.write(
            task.id,
            f"{outcome.error} Queued again: retry {task.attempt} of {self._settings.max_run_retries}.",
            level="WARNING",
        )
        task = await self._table.save(
            advance(task, TaskStatus.PENDING, message="The run was lost; waiting to go on.", device=None)
        )
        self._queue.put(task)

    async def _end(self, task: TaskRecord, outcome: Outcome) -> TaskRecord:
        status, changes = _ending(task, outcome)
        ended = await self._table.save(advance(task, status, **changes))
        await self._journal.close(ended)
        return ended

    def _concurrency(self, task: TaskRecord) -> int:
        return self._slots.caps[CPU][slot_kind(task.kind)]

    def _spawn(self, coroutine: Any) -> None:
        job = asyncio.create_task(coroutine)
        self._jobs.add(job)
        job.add_done_callback(self._job_done)

    def _job_done(self, job: "asyncio.Task[None]") -> None:
        self._jobs.discard(job)
        if not job.cancelled() and (error := job.exception()):
            logger.error("a background job of the task manager failed", exc_info=error)


async def _wait(ref: Any) -> None:
    await ref


def _ending(task: TaskRecord, outcome: Outcome) -> tuple[TaskStatus, dict[str, Any]]:
    """The final status, and what else of the record it changes."""
    if outcome.status == "completed":
        return TaskStatus.COMPLETED, {"progress": 100.0, "message": "Completed.", "result": outcome.result}
    if outcome.status == "cancelled" or task.cancel_requested:
        return TaskStatus.CANCELLED, {"message": "Cancelled."}
    error = outcome.error or "The run failed without saying why."
    return TaskStatus.FAILED, {"message": f"Failed: {error}", "error": error}
