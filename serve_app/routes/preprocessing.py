"""Preprocessing tasks: split, augment, crop, spectrograms."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response

from preprocessing.checks import check_preprocessing
from rfuav_ray.api.requests import (
    PREPROCESSING_KINDS,
    DataAugmentationRequest,
    DatasetSplitRequest,
    ImageCropRequest,
    PreprocessingKind,
    PreprocessingRequest,
    SpectrogramRequest,
)
from rfuav_ray.api.responses import PreprocessingResponse, TaskActionResponse, preprocessing_response
from serve_app.errors import UNKNOWN_TASK, WRONG_STATE
from serve_app.gateway import Service, TheService, new_task, new_task_id
from serve_app.routes.tasks import After, LastEventId, cancelling, event_stream

router = APIRouter(prefix="/api/v2/preprocessing", tags=["preprocessing"])

#: Preprocessing requests have no priority: they compete only with each other, for their own slots.
PRIORITY = 5


@router.post("/split", responses=WRONG_STATE)
async def split(request: DatasetSplitRequest, service: TheService) -> PreprocessingResponse:
    """Copy `<class>/<image>` at random into train, valid and, with `val_ratio`, test."""
    return await _start(service, "split", request)


@router.post("/augment", responses=WRONG_STATE)
async def augment(request: DataAugmentationRequest, service: TheService) -> PreprocessingResponse:
    """Write each image of train and valid once unchanged and once changed by each method."""
    return await _start(service, "augment", request)


@router.post("/crop", responses=WRONG_STATE)
async def crop(request: ImageCropRequest, service: TheService) -> PreprocessingResponse:
    """Cut one rectangle out of every image."""
    return await _start(service, "crop", request)


@router.post("/spectrogram", responses=WRONG_STATE)
async def spectrogram(request: SpectrogramRequest, service: TheService) -> PreprocessingResponse:
    """Draw the spectrograms of IQ recordings; folders `<class>/<recording>` become a data set."""
    return await _start(service, "spectrogram", request)


@router.get("/{task_id}", responses=UNKNOWN_TASK)
async def preprocessing_status(task_id: str, service: TheService) -> PreprocessingResponse:
    return preprocessing_response(await service.task(task_id, *PREPROCESSING_KINDS))


@router.get("/{task_id}/logs", response_class=Response, responses=UNKNOWN_TASK)
async def preprocessing_logs(
    request: Request, task_id: str, service: TheService, after: After = None, last_event_id: LastEventId = None
) -> Response:
    """Server-sent events: the whole history, then new events until the last one."""
    await service.task(task_id, *PREPROCESSING_KINDS)
    return await event_stream(request, service, task_id, after, last_event_id)


@router.post("/{task_id}/cancel", responses=UNKNOWN_TASK | WRONG_STATE)
async def cancel_preprocessing(task_id: str, service: TheService) -> TaskActionResponse:
    """Stop the task and remove the files that it has written."""
    await service.task(task_id, *PREPROCESSING_KINDS)
    return await cancelling(service, task_id)


async def _start(
    service: Service, kind: PreprocessingKind, request: PreprocessingRequest
) -> PreprocessingResponse:
    # Not via `checked`: every task changes the content of its output folder.
    request = await asyncio.to_thread(check_preprocessing, request, roots=service.settings.data_roots)
    task = new_task(
        request.task_id or new_task_id(),
        kind,
        request,
        priority=PRIORITY,
        device="cpu",
        description=request.description,
    )
    await service.submit([task])
    return preprocessing_response(await service.task(task.id))
