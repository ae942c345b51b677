"""Starts the runs that the scheduler decided on, follows each to its end, and records what becomes of its task."""

import asyncio
import logging
from collections.abc import Collection, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from actors.background import Jobs
from actors.devices.device_watch import DeviceWatch
from actors.devices.inputs import Misplaced, described, lacking
from actors.devices.slots import SOME_NODE, Offer
from actors.runs.plan import ending, plan, plan_more, retry
from actors.runs.spec import Outcome, RunReport, RunSpec
from actors.runs.tracker import RunTracker, watch_silence
from actors.tasks.leases import leased_folder
from actors.tasks.scheduler import Decisions, NewReason, Scheduler, Start
from actors.tasks.service_entries import last_entry, service_entry, starting_entries
from actors.tasks.table import TaskTable
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.errors import RunError, TaskConflict
from rfuav_ray.events import Level
from rfuav_ray.outputs.ownership import claim
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskRecord, TaskStatus, WorkerPlace, advance

logger = logging.getLogger(__name__)


class ActiveRuns:
    """The part of the TaskManager that carries out decisions. It uses the TaskManager's table."""

    def __init__(
        self,
        settings: Settings,
        table: TaskTable,
        scheduler: Scheduler,
        devices: DeviceWatch,
        supervisor_actor: Any,
    ) -> None:
        self._max_retries = settings.max_run_retries
        self._silence_limit_s = settings.run_silence_s
        self._data_roots = settings.folder_roots
        self._table = table
        self._scheduler = scheduler
        self._devices = devices
        self._supervisor_actor = supervisor_actor
        #: the runs between slot and outcome, by task id
        self._trackers: dict[str, RunTracker] = {}
        #: bytes that torch uses, and bytes that it has reserved, for runs on a GPU, by task id
        self.gpu_memory: dict[str, tuple[int, int]] = {}
        self._jobs = Jobs()
        #: the jobs that follow a run
        self._followed: set[asyncio.Task[None]] = set()
        devices.on_change.append(self._use_devices)

    def recover(self, tasks: Sequence[TaskRecord]) -> None:
        """Take over the waiting tasks from before a restart, and the runs that may still be alive."""
        decisions = self._scheduler.recover(tasks)
        for task in tasks:
            if task.status is not TaskStatus.RUNNING or task.device is None:
                continue
            tracker = self._track(task, is_at_supervisor=True)
            self._spawn_followed(self._follow(task, tracker))
            if task.cancel_requested:  # the actor may have died before the grace time was over
                tracker.cancel()
            for node_id in _nodes_of(task):
                self._give_up_if_gone(task.id, node_id)
        self.carry_out(decisions)
        if self._silence_limit_s:
            watch = partial(watch_silence, self._trackers, self._silence_limit_s)
            self._jobs.keep("the watch over silent runs", watch)

    def carry_out(self, decisions: Decisions) -> None:
        """Start runs, and tell waiting tasks what for. There is no await: scheduler and table always agree."""
        for start in decisions.starts:
            self._start(start)
        for new in decisions.reasons:
            self._tell(new)

    async def stop(self, timeout_s: float) -> None:
        """Start no more runs. Wait up to `timeout_s` for the active ones: their next report tells them to end."""
        self._scheduler.is_stopping = True
        if self._followed:
            await asyncio.wait(self._followed, timeout=timeout_s)

    def abandon(self, reason: str) -> None:
        """Start no more runs, and end the active ones: another service has their tasks."""
        self._scheduler.is_stopping = True
        for tracker in self._trackers.values():
            tracker.give_up(reason)

    async def cancel(self, task_id: str) -> None:
        """Cancel a task; see TaskManager.cancel."""
        task = self._table.get(task_id)
        if task.status.is_ended:
            raise TaskConflict(f"Task '{task_id}' has already ended: it is {task.status.value}.")
        if task.status is TaskStatus.PENDING:
            await self._end(task, Outcome("cancelled"))
            return
        if task.cancel_requested:
            self._table.log(task_id, "Cancel requested again: the run is killed.", level="WARNING")
        else:
            stopping = task.evolve(cancel_requested=True, message="Stopping: cancel requested.")
            self._table.change(stopping, service_entry(task_id, "Cancel requested.", "WARNING"))
        self._trackers[task_id].cancel()
        await self._table.stored(task_id)

    def heard(self, report: RunReport) -> None:
        """Note that a run is alive, and what it says of its GPU."""
        if tracker := self._trackers.get(report.task_id):
            tracker.heard(report.silent_s)
        if report.progress.gpu_memory is not None:
            self.gpu_memory[report.task_id] = report.progress.gpu_memory

    def _use_devices(self, offers: Mapping[str, Offer], lost: Collection[str]) -> None:
        self.carry_out(self._scheduler.update_devices(offers, lost))
        for holding in self._scheduler.slots.holdings:
            if holding.node_id != SOME_NODE:
                self._give_up_if_gone(holding.task_id, holding.node_id)

    def _give_up_if_gone(self, task_id: str, node_id: str) -> None:
        """End a run whose node is gone. Ray would wait for ever if the run had not started."""
        if not self._devices.pool.has_node(node_id):
            reason = f"The node {self._devices.pool.name_of(node_id)} left the cluster."
            self._trackers[task_id].give_up(reason, node_is_gone=True)

    def _tell(self, new: NewReason) -> None:
        entries = [service_entry(new.task_id, new.reason)] if new.is_logged else []
        told = self._table.get(new.task_id).evolve(message=new.reason)
        self._table.change(told, *entries, durable=new.is_logged)

    def _start(self, start: Start) -> None:
        task = advance(
            self._table.get(start.task.id),
            TaskStatus.RUNNING,
            device=start.device,
            device_share=start.fraction,
            node_id=start.node_id,
            workers=self._places(start),
            attempt=start.task.attempt + 1,
            reported_entries=0,
            message=f"Starting on {start.device}.",
        )
        self._table.change(task, *starting_entries(task, start.device))
        self._spawn_followed(self._run(task, self._track(task)))

    def _places(self, start: Start) -> tuple[WorkerPlace, ...]:
        """Where its workers are, if it has several."""
        if not start.more:
            return ()
        first = (start.device, start.node_id, start.fraction)
        return tuple(
            WorkerPlace(
                device=device, node=self._devices.pool.name_of(node_id), node_id=node_id, device_share=fraction
            )
            for device, node_id, fraction in (
                first,
                *((held.device, held.node_id, held.fraction) for held in start.more),
            )
        )

    async def _run(self, task: TaskRecord, tracker: RunTracker) -> None:
        without: dict[str, list[str]] = {}

        async def prepare() -> None:
            await self._table.stored(task.id)
            if not self._table.get(task.id).cancel_requested:
                without.update(await self._find_inputs(task))
                await self._take_folder(task)

        def workers() -> list[tuple[RunSpec, dict[str, Any]]]:
            pool = self._devices.pool
            first = plan(task, pool, self._scheduler.slots, self._data_roots, without)
            return [first, *plan_more(task, first[0], pool)]

        outcome = await tracker.start(prepare, workers)
        await self._finish(task.id, outcome)

    async def _find_inputs(self, task: TaskRecord) -> dict[str, list[str]]:
        """See that the nodes of the run's workers have its inputs.

        Returns:
            The other nodes that lack inputs, with what they lack. Only a run with workers there asks them.

        Raises:
            Misplaced: One of them lacks inputs. Another node has them, or does not answer.
            RunError: No node of the device has them.
        """
        pool, kind = self._devices.pool, KINDS[task.kind]
        paths = kind.input_paths(task.request)
        is_one_node = len(pool.node_cpus()) < 2  # It has what the submission found.
        if not paths or is_one_node or task.node_id is None:
            return {}
        places = self._scheduler.places(task)
        own = set(_nodes_of(task))
        first = own | (places if kind.has_workers else set())
        without = await lacking(pool, paths, first)
        if own.isdisjoint(without):
            if without:
                self._table.log(task.id, f"Nodes are left out: {described(pool, without)}.")
            return without
        without |= await lacking(pool, paths, places - first)
        found = described(pool, without)
        if places <= without.keys():
            if task.attempt > 1:  # it may need them no longer, and it says best what it cannot do without
                return {}
            raise RunError(
                f"no node for it has its inputs: {found}. Mount or copy them there, and submit it again."
            )
        self._scheduler.avoid(task.id, without)
        raise Misplaced(f"Nodes are left out: {found}.")

    async def _take_folder(self, task: TaskRecord) -> None:
        """Put an earlier task's files away, and correct its record. Raises OSError and TaskConflict."""
        folder = leased_folder(task)
        if folder is None or not KINDS[task.kind].shares_folder:  # the others write only into an empty folder
            return
        moved = await asyncio.to_thread(
            claim,
            *(Path(folder), task.kind, task.id),
            is_first=task.attempt == 1,
            on_existing=task.request.get("on_existing", "keep"),
        )
        if moved is None:
            return
        if moved.is_new:
            self._table.log(task.id, f"'{folder}' contained {moved}", level="WARNING")
        await self._table.move_results(Path(folder), moved, task.id)

    async def _follow(self, task: TaskRecord, tracker: RunTracker) -> None:
        await self._finish(task.id, await tracker.follow())

    async def _finish(self, task_id: str, outcome: Outcome) -> None:
        if outcome.status == "lost":
            outcome = await self._blameless(task_id, outcome)
        if outcome.traceback is not None:
            logger.error("the run of task %s failed:\n%s", task_id, outcome.traceback)
        del self._trackers[task_id]
        self.gpu_memory.pop(task_id, None)
        task = self._table.get(task_id)
        if (again := retry(task, outcome, self._max_retries)) is None:
            await self._end(task, outcome)
            return
        message, changes = again
        waiting = advance(task, TaskStatus.PENDING, device=None, device_share=0.0, workers=(), **changes)
        level: Level = "INFO" if outcome.status == "misplaced" else "WARNING"
        self._scheduler.put(self._table.change(waiting, service_entry(task_id, message, level)))
        await self._table.stored(task_id)
        self.carry_out(self._scheduler.decide(new=[task_id]))

    async def _blameless(self, task_id: str, lost: Outcome) -> Outcome:
        """The outcome of a lost run, with its reason. If its node is gone too, the run is not at fault."""
        task = self._table.get(task_id)
        nodes = _nodes_of(task)
        for node_id in nodes:
            if reason := await self._devices.pool.why_ended(node_id, task.run_id):
                return Outcome("lost", error=reason)
        for node_id in nodes:
            if reason := await self._devices.why_gone(node_id):
                return Outcome("interrupted", error=reason)
        return lost

    async def _end(self, task: TaskRecord, outcome: Outcome) -> None:
        status, changes = ending(task, outcome)
        ended = advance(task, status, **changes)
        self._table.change(ended, last_entry(ended))
        self._scheduler.forget(ended)
        self.carry_out(self._scheduler.decide())
        await self._table.stored(ended.id)

    def _track(self, task: TaskRecord, *, is_at_supervisor: bool = False) -> RunTracker:
        tracker = self._trackers[task.id] = RunTracker(
            task.run_id,
            self._supervisor_actor,
            cancel_grace_s=KINDS[task.kind].cancel_grace_s,
            silence_limit_s=self._silence_limit_s,
            is_at_supervisor=is_at_supervisor,
            has_reported=is_at_supervisor and task.reported_entries > 0,
        )
        return tracker

    def _spawn_followed(self, run: Coroutine[Any, Any, None]) -> None:
        following = self._jobs.spawn(run)
        self._followed.add(following)
        following.add_done_callback(self._followed.discard)


def _nodes_of(task: TaskRecord) -> list[str]:
    """The nodes of the workers of the task's current run, without repetition."""
    nodes = [task.node_id, *(place.node_id for place in task.workers)]
    return list(dict.fromkeys(node_id for node_id in nodes if node_id))
