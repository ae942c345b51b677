"""Evaluation tasks and their reports."""

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.preflight_evaluation import check_evaluation
from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.api.responses import TaskResponse
from rfuav_ray.api.results import AsStored, EvaluationReport
from rfuav_ray.errors import TaskConflict
from rfuav_ray.file_access.json_text import parse_json
from rfuav_ray.file_access.limits import MAX_REPORT_BYTES
from rfuav_ray.file_access.reading import read_file
from rfuav_ray.outputs.ownership import results_folder
from rfuav_ray.tasks import TaskStatus
from serve_app.error_answers import NOT_MODIFIED, UNKNOWN_TASK, WRONG_STATE
from serve_app.gateway import TheService, new_task, new_task_id
from serve_app.routes.tasks import IfNoneMatch, kind_mark, status_answer
from serve_app.validation_cache import checked

router = APIRouter(prefix="/api/v2/evaluation", tags=["evaluation"])


@router.post(
    "/start", response_model=TaskResponse, responses=WRONG_STATE, openapi_extra=kind_mark(KINDS["evaluation"])
)
async def start_evaluation(request: EvaluationRequest, service: TheService) -> Response:
    """Check the request, and queue the evaluation of a model on labelled images or recordings."""
    task_id = request.task_id or new_task_id()
    request = request.model_copy(update={"save_path": request.save_path or f"results/{task_id}"})
    request = await checked(check_evaluation, request, roots=service.settings.folder_roots)
    task = new_task(task_id, "evaluation", request, priority=request.priority, device=request.device)
    await service.submit([task])
    return await status_answer(service, "", task.id)


@router.get("/{task_id}", response_model=TaskResponse, responses=UNKNOWN_TASK | NOT_MODIFIED)
async def evaluation_status(task_id: str, service: TheService, if_none_match: IfNoneMatch = "") -> Response:
    return await status_answer(service, if_none_match, task_id, "evaluation")


@router.get("/{task_id}/report", responses=UNKNOWN_TASK | WRONG_STATE)
async def evaluation_report(task_id: str, service: TheService) -> AsStored[EvaluationReport]:
    """The report.json of a completed evaluation."""
    task = await service.ended_task(task_id, "evaluation")
    result: Any = task.result
    if task.status is not TaskStatus.COMPLETED or not result:
        raise TaskConflict(f"Task '{task_id}' is {task.status.value}: it has no report.")
    return await asyncio.to_thread(_report, task_id, Path(result["files"]["report"]))


def _report(task_id: str, file: Path) -> Any:
    folder = results_folder(file.parent, "evaluation", task_id)
    if folder is None:
        raise TaskConflict(f"'{file.parent}' holds another task's report. That of '{task_id}' is gone.")
    try:
        return parse_json(read_file(folder / file.name, largest_bytes=MAX_REPORT_BYTES))
    except (OSError, ValueError) as error:
        raise TaskConflict(f"The report of '{task_id}' cannot be read: {error}.") from None
