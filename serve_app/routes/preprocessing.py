"""Preprocessing tasks. Each preprocessing kind of `rfuav_ray.api.kinds` has a route that starts it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from preprocessing.checks import check_preprocessing
from rfuav_ray.api.kinds import PREPROCESSING_KINDS, Kind, kinds_of
from rfuav_ray.api.requests import AuditRequest
from rfuav_ray.api.responses import PreprocessingResponse, TaskActionResponse, preprocessing_response
from serve_app.error_answers import UNKNOWN_TASK, WRONG_STATE
from serve_app.gateway import TheService, new_task, new_task_id
from serve_app.routes.tasks import STREAM, After, LastEventId, cancelling, event_stream, kind_mark

router = APIRouter(prefix="/api/v2/preprocessing", tags=["preprocessing"])

#: Preprocessing has slots of its own, so these requests have no priority.
PRIORITY = 5
PREPROCESSING = kinds_of("preprocessing")


def add_start(kind: Kind, to: APIRouter) -> None:
    """Add the route that starts tasks of this kind."""
    to.post(
        f"/{kind.name}",
        name=kind.name,
        description=kind.summary,
        responses=WRONG_STATE,
        openapi_extra=kind_mark(kind),
    )(_start_of(kind))


def _start_of(kind: Kind) -> Callable[..., Awaitable[PreprocessingResponse]]:
    async def start(request: Any, service: TheService) -> PreprocessingResponse:
        task_id = request.task_id or new_task_id()
        if isinstance(request, AuditRequest) and request.save_path is None:
            request = request.model_copy(update={"save_path": f"results/{task_id}"})
        # The check is not cached: what the output folder holds changes with each task.
        request = await asyncio.to_thread(check_preprocessing, request, roots=service.settings.folder_roots)
        task = new_task(
            task_id,
            kind.name,
            request,
            priority=PRIORITY,
            device="cpu",
            description=request.description,
        )
        await service.submit([task])
        return preprocessing_response(await service.task(task.id))

    start.__annotations__["request"] = kind.request
    return start


for one in PREPROCESSING_KINDS:
    add_start(one, router)


@router.get("/{task_id}", responses=UNKNOWN_TASK)
async def preprocessing_status(task_id: str, service: TheService) -> PreprocessingResponse:
    return preprocessing_response(await service.task(task_id, *PREPROCESSING))


@router.get("/{task_id}/logs", response_class=Response, responses=STREAM)
async def preprocessing_logs(
    request: Request, task_id: str, service: TheService, after: After = None, last_event_id: LastEventId = None
) -> Response:
    """Server-sent events: the whole history, then new events until the last one."""
    await service.task(task_id, *PREPROCESSING)
    return await event_stream(request, service, task_id, after, last_event_id)


@router.post("/{task_id}/cancel", responses=UNKNOWN_TASK | WRONG_STATE)
async def cancel_preprocessing(task_id: str, service: TheService) -> TaskActionResponse:
    """Stop the task and remove the files that it has written."""
    await service.task(task_id, *PREPROCESSING)
    return await cancelling(service, task_id)
