"""Training tasks."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.preflight import check_training
from rfuav_ray.api.requests import TrainingRequest
from rfuav_ray.api.responses import TaskActionResponse, TaskResponse
from serve_app.error_answers import NOT_MODIFIED, UNKNOWN_TASK, WRONG_STATE
from serve_app.gateway import TheService, new_task, new_task_id
from serve_app.route_classes import StartRoute
from serve_app.routes.tasks import (
    STREAM,
    After,
    IfNoneMatch,
    LastEventId,
    cached_status,
    cancelling,
    event_stream,
    kind_mark,
    status_answer,
)
from serve_app.validation_cache import checked

PREFIX = "/api/v2/training"
router = APIRouter(prefix=PREFIX, tags=["training"])
starts = APIRouter(prefix=PREFIX, tags=["training"], route_class=StartRoute)
cached = APIRouter(prefix=PREFIX, tags=["training"], route_class=cached_status("training"))


@starts.post(
    "/start", response_model=TaskResponse, responses=WRONG_STATE, openapi_extra=kind_mark(KINDS["training"])
)
async def start_training(request: TrainingRequest, service: TheService) -> Response:
    """Check the request, and queue a training."""
    settings = service.settings
    if "priority" not in request.model_fields_set:
        request = request.model_copy(update={"priority": settings.default_train_priority})
    request = await checked(
        check_training, request, roots=settings.folder_roots, supported_models=settings.supported_models
    )
    task = new_task(
        request.task_id or new_task_id(),
        "training",
        request,
        priority=request.priority,
        device=request.device,
        description=request.description,
        total_epochs=request.num_epochs,
        current_epoch=0,
    )
    await service.submit([task])
    return await status_answer(service, "", task.id)


@cached.get("/{task_id}", response_model=TaskResponse, responses=UNKNOWN_TASK | NOT_MODIFIED)
async def training_status(task_id: str, service: TheService, if_none_match: IfNoneMatch = "") -> Response:
    return await status_answer(service, if_none_match, task_id, "training")


@router.get("/{task_id}/logs", response_class=Response, responses=STREAM)
async def training_logs(
    request: Request, task_id: str, service: TheService, after: After = None, last_event_id: LastEventId = None
) -> Response:
    """Server-sent events: the whole history, then new events until the last one."""
    await service.task(task_id, "training")
    return await event_stream(request, service, task_id, after, last_event_id)


@router.post("/{task_id}/stop", responses=UNKNOWN_TASK | WRONG_STATE)
async def stop_training(task_id: str, service: TheService) -> TaskActionResponse:
    """Cancel the training. A second call kills its run at once."""
    await service.task(task_id, "training")
    return await cancelling(service, task_id)
