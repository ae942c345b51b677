"""Tasks of any kind: list, status, logs, cancel, priority, delete."""

import re
from collections.abc import Collection, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from rfuav_ray.requests import PREPROCESSING_KINDS, PriorityUpdate, TaskKind
from rfuav_ray.responses import TaskActionResponse, TaskListResponse, TaskResponse
from rfuav_ray.tasks import TaskRecord, TaskStatus
from serve_app.errors import UNKNOWN_TASK, WRONG_STATE
from serve_app.service import Service, TheService

router = APIRouter(prefix="/api/v2/tasks", tags=["tasks"])

_TRAINING, _INFERENCE = ("training",), ("inference",)

After = Annotated[int | None, Query(ge=0, lt=10**18, description="go on behind this sequence number")]
LastEventId = Annotated[str | None, Header(description="the same, as browsers send it")]


@router.get("")
async def list_tasks(
    service: TheService,
    status: TaskStatus | None = None,
    task_type: Annotated[TaskKind | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> TaskListResponse:
    """Newest first. `limit` and `offset` cut one page from all matching tasks; totals count every match."""
    statuses = None if status is None else {status.value}
    kinds = None if task_type is None else {task_type}
    tasks = service.view.copy
    page = tasks.newest(kinds, statuses, offset=offset, limit=limit)
    return TaskListResponse(
        training_tasks=_shown(service, page, _TRAINING),
        inference_tasks=_shown(service, page, _INFERENCE),
        preprocessing_tasks=_shown(service, page, PREPROCESSING_KINDS),
        total_training=tasks.count(_both(kinds, _TRAINING), statuses),
        total_inference=tasks.count(_both(kinds, _INFERENCE), statuses),
        total_preprocessing=tasks.count(_both(kinds, PREPROCESSING_KINDS), statuses),
    )


def _both(wanted: Collection[str] | None, group: Collection[str]) -> set[str]:
    return {kind for kind in group if wanted is None or kind in wanted}


def _shown(service: Service, page: Sequence[TaskRecord], kinds: Collection[str]) -> list[TaskResponse]:
    return [service.show(task) for task in page if task.kind in kinds]


@router.get("/{task_id}", responses=UNKNOWN_TASK)
async def task_status(task_id: str, service: TheService) -> TaskResponse:
    return service.show(await service.task(task_id))


@router.get(
    "/{task_id}/logs",
    response_class=Response,
    responses=UNKNOWN_TASK
    | {
        200: {
            "description": "log entries; as events for `Accept: text/event-stream`",
            "content": {
                "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
                "text/event-stream": {},
            },
        }
    },
)
async def task_logs(
    request: Request,
    task_id: str,
    service: TheService,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=100_000)] = 10_000,
    accept: Annotated[str, Header()] = "",
    last_event_id: LastEventId = None,
) -> Response:
    """The log so far as a JSON array, or the live stream for `Accept: text/event-stream`."""
    await service.task(task_id)
    if "text/event-stream" in accept:
        return await event_stream(request, service, task_id, after, last_event_id)
    entries = await service.streams.history(task_id, after or 0, limit)
    return Response(f"[{','.join(entries)}]", media_type="application/json")


@router.post("/{task_id}/cancel", responses=UNKNOWN_TASK | WRONG_STATE)
async def cancel_task(task_id: str, service: TheService) -> TaskActionResponse:
    return await cancelling(service, task_id)


@router.post("/{task_id}/priority", responses=UNKNOWN_TASK | WRONG_STATE)
async def set_priority(task_id: str, update: PriorityUpdate, service: TheService) -> TaskResponse:
    """Move a waiting task in the queue."""
    return service.show(await service.set_priority(task_id, update.priority))


@router.delete("/{task_id}", responses=UNKNOWN_TASK | WRONG_STATE)
async def delete_task(task_id: str, service: TheService) -> TaskActionResponse:
    """Forget an ended task and its log; its files stay."""
    await service.delete(task_id)
    return TaskActionResponse(status="success", message="Task deleted; its files stay.", task_id=task_id)


async def cancelling(service: Service, task_id: str) -> TaskActionResponse:
    task = await service.cancel(task_id)
    message = "Cancelled." if task.status.is_ended else "Stopping; shown as cancelled when it has stopped."
    return TaskActionResponse(status="success", message=message, task_id=task_id)


async def event_stream(
    request: Request, service: Service, task_id: str, after: int | None, last_event_id: str | None
) -> Response:
    """`?after=` wins over Last-Event-ID; one that is no number is taken as the beginning."""
    service.streams.refuse_when_over()
    position: Any = after
    if position is None:
        is_number = bool(re.fullmatch(r"[0-9]{1,18}", last_event_id or ""))
        position = int(last_event_id or 0) if is_number else 0
    position = await service.streams.position(task_id, position)
    if position is None:
        return Response(status_code=204)  # tells a browser to stop reconnecting
    return StreamingResponse(
        service.streams.stream(task_id, position, request.client),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )
