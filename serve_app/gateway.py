"""The service as the routes see it: the settings, the local copy of the tasks, and calls to the actors."""

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from ray.exceptions import RayError, RayTaskError

from actors.batching import Batcher
from actors.devices.usage import Figures
from actors.store.row import TaskRow, record_of
from rfuav_ray.api.kinds import KINDS, TaskKind
from rfuav_ray.api.requests import RunRequest
from rfuav_ray.api.responses import TaskResponse, task_response
from rfuav_ray.errors import ServiceBusy, TaskNotFound
from rfuav_ray.outputs.ownership import refusal, results_in
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskRecord, now
from serve_app.access.caller import CALLER
from serve_app.access.refusals import task_of_another
from serve_app.access.scopes import Scope
from serve_app.streams.sse import TaskStreams
from serve_app.streams.task_events import TaskEvents
from serve_app.view.cached_json import Encoded
from serve_app.view.health_report import HealthReport
from serve_app.view.task_view import TaskView

#: longer than a busy store needs, shorter than clients wait
ANSWER_TIMEOUT_S = 20.0
RETRY_S = 0.2
HEALTH_TIMEOUT_S = 3.0


@dataclass
class Service:
    settings: Settings
    view: TaskView
    streams: TaskStreams
    task_manager_actor: Any
    #: what users should know since the start of the service; see InfoResponse
    notices: Sequence[str] = ()
    events: TaskEvents = field(init=False)
    health: HealthReport = field(init=False)
    _submissions: Batcher[Sequence[str], Sequence[TaskRow]] = field(init=False)

    def __post_init__(self) -> None:
        self.events = TaskEvents(self.view)
        self._submissions = Batcher(self._submit_batch)
        self.health = HealthReport(self.settings.version, self.view, self.streams, self._resources_now)

    async def submit(self, tasks: Sequence[TaskRecord]) -> None:
        """Submit the tasks, and return when they are stored.

        Raises:
            TaskConflict: a folder holds results, and the task's `on_existing` is `refuse`.
            Exception: the exception that the TaskManager raised.
        """
        for task in tasks:
            if task.request.get("on_existing") == "refuse":
                await self._refuse_results(task)
        # Encode here, not in `_submit_batch`: a task that cannot be encoded must not fail the others.
        texts = [task.model_dump_json() for task in tasks]
        for row in await self._submissions.add(texts):
            self.view.put(row)

    async def _refuse_results(self, task: TaskRecord) -> None:
        """Refuse the task if its folder holds results. Those of a live task are waited for."""
        folder = KINDS[task.kind].output_folder(task.request)
        found = await asyncio.to_thread(results_in, folder, task.kind)
        if found is not None and not await self._is_live(found[0]):
            raise refusal(folder, *found)

    async def _is_live(self, task_id: str | None) -> bool:
        try:
            return task_id is not None and not (await self.task(task_id)).status.is_ended
        except TaskNotFound:
            return False

    async def _submit_batch(self, submissions: list[Sequence[str]]) -> "list[Sequence[TaskRow] | Exception]":
        answers: list[Sequence[TaskRow] | Exception] = await self.ask(
            self.task_manager_actor.submit_batch.remote(submissions)
        )
        return answers

    async def task(self, task_id: str, *kinds: TaskKind) -> TaskRecord:
        """The task from the local copy, or from the TaskManager when the copy does not have it.

        Args:
            task_id: the task's id.
            kinds: the kinds that the caller accepts; none: any kind.

        Raises:
            TaskNotFound: when there is no such task, or it is of another kind.
        """
        task = self.view.copy.get(task_id)
        if task is None:  # it may be a new one
            row: TaskRow = await self.read(self.task_manager_actor.get.remote, task_id)
            self.view.put(row)
            task = record_of(row)
        if kinds and task.kind not in kinds:
            raise TaskNotFound(task_id)
        return task

    async def ended_task(self, task_id: str, kind: TaskKind) -> TaskRecord:
        """Like `task`. Asks the TaskManager when the copy shows no end: another replica may know of it."""
        task = await self.task(task_id, kind)
        if task.status.is_ended:
            return task
        return self._shown(await self.read(self.task_manager_actor.get.remote, task_id))

    async def encoded_task(self, task_id: str, *kinds: TaskKind) -> Encoded:
        """Like `task`, but returns the JSON that clients get."""
        await self.task(task_id, *kinds)
        answer = self.view.copy.encoded(task_id)
        if answer is None:  # deleted in the meantime
            raise TaskNotFound(task_id)
        return answer

    async def _check_owner(self, task_id: str) -> None:
        """Raises Refusal when the caller may not change this task."""
        caller = CALLER.get()
        if not caller.may(Scope.ADMIN):
            submitted_by = (await self.task(task_id)).submitted_by
            if not caller.owns(submitted_by):
                raise task_of_another(caller, task_id, submitted_by)

    async def cancel(self, task_id: str) -> TaskRecord:
        await self._check_owner(task_id)
        return self._shown(await self.ask(self.task_manager_actor.cancel.remote(task_id)))

    async def set_priority(self, task_id: str, priority: int) -> TaskRecord:
        await self._check_owner(task_id)
        return self._shown(await self.ask(self.task_manager_actor.set_priority.remote(task_id, priority)))

    async def delete(self, task_id: str) -> None:
        await self._check_owner(task_id)
        await self.ask(self.task_manager_actor.delete.remote(task_id))
        self.view.drop(task_id)

    async def resources(self) -> dict[str, Any]:
        usage: dict[str, Any] = await self.read(self.task_manager_actor.resources.remote)
        return usage

    async def figures(self) -> Figures | None:
        """What the TaskManager knows for monitoring; None when it does not answer at once."""
        try:
            figures: Figures = await self.ask(self.task_manager_actor.figures.remote(), HEALTH_TIMEOUT_S)
        except ServiceBusy:
            return None
        return figures

    async def _resources_now(self) -> dict[str, Any]:
        usage: dict[str, Any] = await self.ask(self.task_manager_actor.resources.remote(), HEALTH_TIMEOUT_S)
        return usage

    async def read(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Like `ask`, for calls that change nothing: repeats the call while the TaskManager restarts."""
        deadline_s = asyncio.get_running_loop().time() + ANSWER_TIMEOUT_S
        while True:
            time_left_s = deadline_s - asyncio.get_running_loop().time()
            try:
                return await self.ask(call(*arguments), time_left_s)
            except ServiceBusy:
                if time_left_s <= RETRY_S:
                    raise
                await asyncio.sleep(RETRY_S)

    async def ask(self, ref: Any, timeout_s: float = ANSWER_TIMEOUT_S) -> Any:
        """Wait for an actor's answer.

        Args:
            ref: the reference that the actor call returned.
            timeout_s: how long to wait for the answer.

        Raises:
            ServiceBusy: when the actor does not answer in time, or has died.
            Exception: the exception that the actor raised.
        """
        try:
            return await asyncio.wait_for(_answer(ref), timeout_s)
        except RayTaskError as error:
            raise error.cause from None
        except (TimeoutError, RayError):
            raise ServiceBusy(
                "The task manager does not answer; it may be restarting. Try again.", retry_after_s=2
            ) from None

    def _shown(self, row: TaskRow) -> TaskRecord:
        self.view.put(row)
        return record_of(row)

    def show(self, task: TaskRecord) -> TaskResponse:
        return task_response(task, queue_position=self.view.copy.queue_position(task))


async def _answer(ref: Any) -> Any:
    return await ref


def new_task_id() -> str:
    """A version 4 UUID that begins with the time in milliseconds, as version 7 UUIDs do.

    New tasks are thus side by side at the end of the store's indexes, not each on a separate page.
    """
    # Not os.urandom: the system call releases the GIL, and other threads would take it.
    number = time.time_ns() // 1_000_000 << 80 | random.getrandbits(80)
    return str(uuid.UUID(int=number, version=4))


def new_task(
    task_id: str, kind: TaskKind, request: RunRequest, *, priority: int, device: str, **fields: Any
) -> TaskRecord:
    """Build the record of a new task. The TaskManager assigns its number at submission."""
    moment = now()
    return TaskRecord(
        id=task_id,
        kind=kind,
        request=request.model_dump(mode="json"),
        submission_warnings=request.warnings,
        priority=priority,
        wanted_device=device,
        submitted_by=CALLER.get().name,
        number=0,
        created_at=moment,
        updated_at=moment,
        **fields,
    )


async def _service(request: Request) -> Service:  # FastAPI would run a plain function in a thread
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(_service)]
