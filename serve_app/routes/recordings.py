"""What an inference says about recordings, and the spectrogram of each of their windows."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as PathField
from fastapi.responses import Response

from rfuav_ray import paths
from rfuav_ray.api.requests import InferenceRequest
from rfuav_ray.api.responses import RecordingsResponse
from rfuav_ray.api.results import InferenceResult, RecordingPrediction
from rfuav_ray.errors import InvalidInput, RunError, TaskConflict, TaskFileNotFound
from rfuav_ray.inference.results.prediction_pages import read_page
from rfuav_ray.models.recording_settings import window_image
from rfuav_ray.outputs.artifacts import RECORDINGS_INDEX, RECORDINGS_JSONL
from rfuav_ray.settings import Settings
from rfuav_ray.tasks import TaskRecord
from serve_app.error_answers import UNKNOWN_TASK, WRONG_STATE
from serve_app.gateway import TheService
from serve_app.routes.inference import PREFIX, Limit, Offset, completed_task, own_file
from serve_app.routes.tasks import MAX_OFFSET

router = APIRouter(
    prefix=f"{PREFIX}/{{task_id}}/recordings", tags=["inference"], responses=UNKNOWN_TASK | WRONG_STATE
)

#: A replica draws two windows at once; more requests wait. A client that leaves ends no drawing.
_drawing = ThreadPoolExecutor(2, thread_name_prefix="window")


@router.get("")
async def inference_recordings(
    task_id: str, service: TheService, offset: Offset = 0, limit: Limit = 100
) -> RecordingsResponse:
    """A page of the recordings of a completed task: the verdict of each, and its segments."""
    task, result = await completed_task(task_id, service)
    total, rows = await asyncio.to_thread(_recordings, task, result, offset, limit)
    return RecordingsResponse(
        task_id=task_id, model=result["model"], total=total, offset=offset, limit=limit, recordings=rows
    )


@router.get("/{number}/spectrogram", response_class=Response, responses={200: {"content": {"image/png": {}}}})
async def window_spectrogram(
    task_id: str,
    number: Annotated[int, PathField(ge=0, le=MAX_OFFSET, description="of the recording, from 0")],
    service: TheService,
    frame: Annotated[int, Query(ge=0, le=MAX_OFFSET, description="index of the window")] = 0,
) -> Response:
    """The spectrogram of a window, as the model saw it: drawn anew from the recording."""
    task, result = await completed_task(task_id, service)
    loop = asyncio.get_running_loop()
    png = await loop.run_in_executor(_drawing, _drawn, task, result, number, frame, service.settings)
    return Response(png, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


def _recordings(
    task: TaskRecord, result: InferenceResult, offset: int, limit: int
) -> tuple[int, list[RecordingPrediction]]:
    if "recordings" not in result:
        return 0, []
    file = Path(result["recordings"]["recordings_json"]).with_name(RECORDINGS_JSONL)
    return read_page(own_file(task.id, file), offset, limit, index_name=RECORDINGS_INDEX)


def _drawn(task: TaskRecord, result: InferenceResult, number: int, frame: int, settings: Settings) -> bytes:
    """Raises TaskFileNotFound if there is no such window, TaskConflict if it cannot be drawn any more."""
    total, rows = _recordings(task, result, number, 1)
    if not rows:
        raise TaskFileNotFound(f"Task '{task.id}' has {total} recordings: there is no number {number}.")
    (row,) = rows
    if frame >= row["windows"]:
        raise TaskFileNotFound(f"'{row['file']}' has {row['windows']} windows: there is no number {frame}.")
    source = Path(task.request["source_path"])
    file = (source.parent if source.is_file() else source) / row["file"]
    try:
        # Only checked: the name of the link itself says what its samples are.
        paths.existing_file(str(file), settings.folder_roots, field="source_path")
        return window_image(
            file, InferenceRequest.model_validate(task.request), row["stft"], frame, settings.folder_roots
        )
    except (InvalidInput, RunError) as error:
        raise TaskConflict(f"The recording cannot be drawn any more: {error}") from None
