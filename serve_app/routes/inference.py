"""Inference tasks, their predictions, and what they say about recordings."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, Query
from fastapi.responses import Response

from rfuav_ray import paths
from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.preflight import check_inference
from rfuav_ray.api.requests import BatchInferenceRequest, InferenceRequest
from rfuav_ray.api.responses import (
    BatchInferenceResponse,
    PredictionsResponse,
    TaskResponse,
)
from rfuav_ray.api.results import InferenceResult
from rfuav_ray.errors import TaskConflict
from rfuav_ray.inference.results.prediction_pages import Rows, read_json, read_page
from rfuav_ray.objects.checks import check_urls_apart, new_prefix
from rfuav_ray.outputs.ownership import results_folder
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskRecord, TaskStatus
from serve_app.error_answers import NOT_MODIFIED, UNKNOWN_TASK, WRONG_STATE
from serve_app.gateway import Service, TheService, new_task, new_task_id
from serve_app.route_classes import StartRoute
from serve_app.routes.tasks import MAX_OFFSET, IfNoneMatch, cached_status, kind_mark, status_answer
from serve_app.validation_cache import checked

Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET)]
Limit = Annotated[int, Query(ge=1, le=10_000)]

PREFIX = "/api/v2/inference"
router = APIRouter(prefix=PREFIX, tags=["inference"])
starts = APIRouter(prefix=PREFIX, tags=["inference"], route_class=StartRoute)
cached = APIRouter(prefix=PREFIX, tags=["inference"], route_class=cached_status("inference"))


@starts.post(
    "/start", response_model=TaskResponse, responses=WRONG_STATE, openapi_extra=kind_mark(KINDS["inference"])
)
async def start_inference(request: InferenceRequest, service: TheService) -> Response:
    """Check the request, and queue the classification of an image, a recording or a folder."""
    task = await _inference_task(request, service)
    await service.submit([task])
    return await status_answer(service, "", task.id)


@router.post("/batch", responses=WRONG_STATE)
async def start_batch_inference(request: BatchInferenceRequest, service: TheService) -> BatchInferenceResponse:
    """Start one task for each source; if one source is invalid, no task starts."""
    tasks = await asyncio.to_thread(_batch_tasks, request, service.settings)
    await service.submit(tasks)
    return BatchInferenceResponse(
        status="success",
        message=f"{len(tasks)} inference tasks accepted.",
        task_ids=[task.id for task in tasks],
        total=len(tasks),
    )


@cached.get("/{task_id}", response_model=TaskResponse, responses=UNKNOWN_TASK | NOT_MODIFIED)
async def inference_status(task_id: str, service: TheService, if_none_match: IfNoneMatch = "") -> Response:
    return await status_answer(service, if_none_match, task_id, "inference")


@router.get("/{task_id}/results", responses=UNKNOWN_TASK | WRONG_STATE)
async def inference_results(
    task_id: str, service: TheService, offset: Offset = 0, limit: Limit = 100
) -> PredictionsResponse:
    """A page of the predictions of a completed task: a row for each image, and for each window of a recording."""
    _, result = await completed_task(task_id, service)
    model, total, rows = await asyncio.to_thread(_page, task_id, result, offset, limit)
    return PredictionsResponse(
        task_id=task_id, model=model, total=total, offset=offset, limit=limit, predictions=rows
    )


async def completed_task(task_id: str, service: Service) -> tuple[TaskRecord, InferenceResult]:
    """The task and its result. Raises TaskConflict if it has none."""
    task = await service.ended_task(task_id, "inference")
    result: Any = task.result
    if task.status is not TaskStatus.COMPLETED or not result or "predictions_json" not in result:
        raise TaskConflict(f"Task '{task_id}' is {task.status.value}: it has no predictions.")
    return task, cast("InferenceResult", result)


def _page(task_id: str, result: InferenceResult, offset: int, limit: int) -> tuple[str, int, Rows]:
    """Return the model's name, the number of all predictions and a page of them.

    Raises:
        TaskConflict: The predictions are gone, or another task's have replaced them.
    """
    if "predictions_jsonl" not in result:  # of a version up to 0.2
        model, rows = read_json(own_file(task_id, Path(result["predictions_json"])))
        return model, len(rows), rows[offset : offset + limit]
    total, rows = read_page(own_file(task_id, Path(result["predictions_jsonl"])), offset, limit)
    return result["model"], total, rows


def own_file(task_id: str, file: Path) -> Path:
    """Where a result is now. Raises TaskConflict if another task's have replaced it."""
    folder = results_folder(file.parent, "inference", task_id)
    if folder is None:
        raise TaskConflict(
            f"'{file.parent}' holds another task's predictions. Those of '{task_id}' may be in a subfolder."
        )
    return folder / file.name


async def _inference_task(request: InferenceRequest, service: Service) -> TaskRecord:
    task_id, request = _completed(request, service.settings)
    request = await checked(check_inference, request, roots=service.settings.folder_roots)
    return _task(task_id, request)


def _batch_tasks(request: BatchInferenceRequest, settings: Settings) -> list[TaskRecord]:
    """Check all sources and make their tasks. It reads files, so one thread does it: once for the whole batch."""
    roots = settings.folder_roots
    in_both = BatchInferenceRequest.model_fields.keys() & InferenceRequest.model_fields.keys()
    shared = request.model_dump(include=set(in_both), exclude_unset=True)
    base = None
    if request.save_base_path is not None:
        base = paths.output_folder(request.save_base_path, roots, field="save_base_path")
    # Asked once: each question to a bucket takes a way there and back.
    copy_to = shared.pop("copy_to", None) and new_prefix(str(request.copy_to), "copy_to", is_empty=False)
    tasks = []
    for index, source_path in enumerate(request.source_paths):
        save_path = None if base is None else str(base / str(index))
        task_id, one = _completed(
            InferenceRequest(source_path=source_path, save_path=save_path, **shared), settings
        )
        field = f"source_paths.{index}"
        one = check_inference(one, roots=roots, source_field=field)
        if copy_to:
            check_urls_apart({field: one.source_path, "copy_to": copy_to})
            one = one.model_copy(update={"copy_to": copy_to})
        tasks.append(_task(task_id, one).model_copy(update={"submission_warnings": request.warnings}))
    return tasks


def _completed(request: InferenceRequest, settings: Settings) -> tuple[str, InferenceRequest]:
    """Return the id of the new task, and the request with the defaults that depend on it and on the settings."""
    task_id = request.task_id or new_task_id()
    changes: dict[str, object] = {"save_path": request.save_path or f"results/{task_id}"}
    if "priority" not in request.model_fields_set:
        changes["priority"] = settings.default_inference_priority
    return task_id, request.model_copy(update=changes)


def _task(task_id: str, request: InferenceRequest) -> TaskRecord:
    return new_task(task_id, "inference", request, priority=request.priority, device=request.device)
