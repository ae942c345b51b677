"""Tasks of any kind: list, status, logs, cancel, priority, delete."""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from rfuav_ray.api.kinds import Kind, TaskKind, lists
from rfuav_ray.api.requests import PriorityUpdate
from rfuav_ray.api.responses import TaskActionResponse, TaskListResponse, TaskResponse
from rfuav_ray.tasks import TaskStatus
from serve_app.error_answers import NOT_MODIFIED, UNKNOWN_TASK, WRONG_STATE
from serve_app.gateway import Service, TheService
from serve_app.route_classes import cached_by
from serve_app.streams.answer import stream_answer
from serve_app.view.cached_json import Encoded, encoded, joined, response

PREFIX = "/api/v2/tasks"
router = APIRouter(prefix=PREFIX, tags=["tasks"])


def cached_status(kind: TaskKind | None = None) -> type[APIRoute]:
    """Make the class of the route of a task's status. `kind`: the kind that the route shows; None: any."""

    def find(service: Service, path: Mapping[str, str]) -> Encoded | None:
        return service.view.copy.encoded(path["task_id"], kind)

    return cached_by(find)


cached = APIRouter(prefix=PREFIX, tags=["tasks"], route_class=cached_status())

#: the names of the response's lists, and the kinds in each list
_GROUPS: dict[bytes, Collection[str]] = {name.encode(): kinds for name, kinds in lists().items()}

#: the highest offset of lists: more tasks than a service will ever have
MAX_OFFSET = 10**12
After = Annotated[int | None, Query(ge=0, lt=10**18, description="only entries after this sequence number")]
IfNoneMatch = Annotated[str, Header(description="ETags of the client's copies; 304 if one matches")]
LastEventId = Annotated[str | None, Header(description="the same as `after`, as browsers send it")]


#: OpenAPI 3.1 has no words for the single events
_EVENTS: dict[str, Any] = {"text/event-stream": {}}
_NO_MORE: dict[int | str, dict[str, Any]] = {204: {"description": "the client has all of an ended task"}}
#: of a route that is a stream alone
STREAM = UNKNOWN_TASK | _NO_MORE | {200: {"description": "server-sent events", "content": _EVENTS}}


@router.get("", response_model=TaskListResponse, responses=NOT_MODIFIED)
async def list_tasks(
    service: TheService,
    status: TaskStatus | None = None,
    task_type: Annotated[TaskKind | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
    if_none_match: IfNoneMatch = "",
) -> Response:
    """Newest first. `limit` and `offset` cut one page from all matching tasks; totals count every match."""
    statuses = None if status is None else {status.value}
    kinds = None if task_type is None else {task_type}
    tasks = service.view.copy
    page = tasks.newest(kinds, statuses, offset=offset, limit=limit)
    fields = []
    for name, group in _GROUPS.items():
        matching = {kind for kind in group if kinds is None or kind in kinds}
        fields.append(b'"%b_tasks":%b' % (name, joined(answer for kind, answer in page if kind in group)))
        fields.append(b'"total_%b":%d' % (name, tasks.count(matching, statuses)))
    return response(encoded(b"{%b}" % b",".join(fields)), if_none_match)


@cached.get("/{task_id}", response_model=TaskResponse, responses=UNKNOWN_TASK | NOT_MODIFIED)
async def task_status(task_id: str, service: TheService, if_none_match: IfNoneMatch = "") -> Response:
    return await status_answer(service, if_none_match, task_id)


def kind_mark(kind: Kind) -> dict[str, str]:
    """Return the OpenAPI extension of the route that starts this kind. The page finds the kinds by it."""
    return {"x-task-kind": kind.name}


async def status_answer(service: Service, if_none_match: str, task_id: str, *kinds: TaskKind) -> Response:
    return response(await service.encoded_task(task_id, *kinds), if_none_match)


@router.get(
    "/{task_id}/logs",
    response_class=Response,
    responses=STREAM
    | {
        200: {
            "description": "log entries; as events for `Accept: text/event-stream`",
            "content": {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}} | _EVENTS,
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
    """Cancel a pending or running task. A second call kills its run at once."""
    return await cancelling(service, task_id)


@router.post("/{task_id}/priority", responses=UNKNOWN_TASK | WRONG_STATE)
async def set_priority(task_id: str, update: PriorityUpdate, service: TheService) -> TaskResponse:
    """Change the priority of a waiting task."""
    return service.show(await service.set_priority(task_id, update.priority))


@router.delete("/{task_id}", responses=UNKNOWN_TASK | WRONG_STATE)
async def delete_task(task_id: str, service: TheService) -> TaskActionResponse:
    """Delete an ended task and its log; its files stay."""
    await service.delete(task_id)
    return TaskActionResponse(status="success", message="Task deleted; its files stay.", task_id=task_id)


async def cancelling(service: Service, task_id: str) -> TaskActionResponse:
    task = await service.cancel(task_id)
    message = (
        "Cancelled."
        if task.status.is_ended
        else "Stopping. The status becomes `cancelled` when the run has stopped."
    )
    return TaskActionResponse(status="success", message=message, task_id=task_id)


async def event_stream(
    request: Request, service: Service, task_id: str, after: int | None, last_event_id: str | None
) -> Response:
    """Stream a task's events.

    `?after=` wins over Last-Event-ID. The stream starts at the beginning when Last-Event-ID is not a number.
    """
    service.streams.refuse_when_over()
    position: Any = after
    if position is None:
        is_number = bool(re.fullmatch(r"[0-9]{1,18}", last_event_id or ""))
        position = int(last_event_id or 0) if is_number else 0
    position = service.streams.position(task_id, position)
    if position is None:
        return Response(status_code=204)  # makes a browser stop reconnecting
    return stream_answer(service.streams.stream(task_id, position), request)
