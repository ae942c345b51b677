"""Accepts new tasks: checks, stores and queues them."""

import logging
from collections.abc import Callable, Sequence

from actors.devices.numbering import ANY_GPU
from actors.events.window import Entry, log_entry
from actors.store.row import TaskRow
from actors.tasks.scheduler import Decisions, Scheduler
from actors.tasks.service_entries import log_warnings
from actors.tasks.table import TaskTable
from rfuav_ray.errors import InvalidInput, ServiceBusy, service_stopping
from rfuav_ray.tasks import TaskRecord

logger = logging.getLogger(__name__)

QUEUE_FULL_RETRY_S = 10


class Submissions:
    def __init__(
        self, queue_size: int, table: TaskTable, scheduler: Scheduler, carry_out: Callable[[Decisions], None]
    ) -> None:
        """`queue_size` is the most tasks that may wait."""
        self._queue_size = queue_size
        self._table = table
        self._scheduler = scheduler
        self._carry_out = carry_out

    async def accept(self, submissions: Sequence[Sequence[str]]) -> "list[list[TaskRow] | Exception]":
        """Store and queue the tasks of each submission, or say why not; see TaskManager.submit_batch."""
        arriving: list[tuple[TaskRecord, list[Entry]]] = []
        refusals: list[Exception | None] = []
        parsed = [list(map(TaskRecord.model_validate_json, texts)) for texts in submissions]
        for tasks in parsed:
            try:
                self._check(tasks)
                with_first_entries = [_with_first_entries(task, self._scheduler.waits_for(task)) for task in tasks]
                self._table.reserve([task.id for task in tasks])
            except Exception as error:
                refusals.append(error)
            else:
                refusals.append(None)
                arriving += with_first_entries
        try:
            await self._add(arriving)
        except Exception as error:
            refusals = [refusal or error for refusal in refusals]
        return [
            refusal or [self._table.row(task.id) for task in tasks]
            for tasks, refusal in zip(parsed, refusals, strict=True)
        ]

    def _check(self, tasks: Sequence[TaskRecord]) -> None:
        if self._scheduler.is_stopping:
            raise service_stopping()
        waiting = len(self._scheduler.queue) + self._table.arriving
        if waiting + len(tasks) > self._queue_size:
            raise ServiceBusy(
                f"The queue is full: {waiting} tasks are waiting. Try again later.",
                QUEUE_FULL_RETRY_S,
            )
        devices = self._scheduler.slots.devices
        for task in tasks:
            if task.wanted_device not in {ANY_GPU, *devices}:
                reason = f"unknown device '{task.wanted_device}'; the devices are {', '.join(devices)}."
                raise InvalidInput("device", reason)
            if task.worker_count > (most := self._scheduler.most_workers_ever(task)):
                reason = (
                    f"{task.worker_count} workers need as many training slots on {task.wanted_device} at the same "
                    f"time, and there have never been more than {most}. A GPU takes one worker, a node as many as "
                    "its limit for trainings on the CPU."
                )
                raise InvalidInput("num_workers", reason)

    async def _add(self, new_tasks: Sequence[tuple[TaskRecord, Sequence[Entry]]]) -> None:
        """Store and queue new tasks. Raises ServiceBusy if they cannot be stored."""
        if new_tasks:
            await self._table.add(new_tasks, self._queue)
        for task, entries in new_tasks:
            log_warnings(task.id, entries)

    def _queue(self, stored: Sequence[TaskRecord]) -> None:
        for task in stored:
            self._scheduler.put(task)
        # The stored reasons may be outdated: other tasks may have come first, or the limits may have changed.
        self._carry_out(self._scheduler.decide(new=[task.id for task in stored]))
        # One log line for all tasks: writing a line costs as much as queuing several tasks.
        shown = ", ".join(f"{task.id} ({task.kind}, priority {task.priority})" for task in stored)
        logger.info("accepted: %s", shown)


def _with_first_entries(task: TaskRecord, reason_to_wait: str | None) -> tuple[TaskRecord, list[Entry]]:
    """The task and the first entries of its log as they are stored. Both contain the reason to wait."""
    message = f"Task accepted: {task.kind}, priority {task.priority}."
    if reason_to_wait is not None:
        task = task.evolve(message=reason_to_wait)
        message = f"{message} {reason_to_wait}"
    entries = [log_entry(message), *(log_entry(text, "WARNING") for text in task.submission_warnings)]
    return task.model_copy(update={"submission_warnings": ()}) if task.submission_warnings else task, entries
