"""A task's request, and the files that the task writes."""

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.responses import Artifact, ArtifactsResponse
from rfuav_ray.errors import TaskFileNotFound
from rfuav_ray.outputs.ownership import results_folder
from rfuav_ray.tasks import TaskRecord
from serve_app.error_answers import UNKNOWN_TASK
from serve_app.gateway import TheService

router = APIRouter(prefix="/api/v2/tasks/{task_id}", tags=["tasks"], responses=UNKNOWN_TASK)

#: images that cannot hold a script
_SHOWN = frozenset({".png", ".jpg", ".jpeg", ".webp"})


@router.get("/request")
async def task_request(task_id: str, service: TheService) -> dict[str, Any]:
    """The request as it was accepted, with every path resolved."""
    return (await service.task(task_id)).request


@router.get("/artifacts")
async def list_artifacts(task_id: str, service: TheService) -> ArtifactsResponse:
    """The files that the task has written so far."""
    folder, files = await asyncio.to_thread(_files_of, await service.task(task_id))
    return ArtifactsResponse(
        task_id=task_id,
        folder=str(folder),
        artifacts=[
            Artifact(
                name=file.name,
                size_bytes=file.stat().st_size,
                url=f"/api/v2/tasks/{task_id}/artifacts/{file.name}",
            )
            for file in files
        ],
    )


@router.get("/artifacts/{name}", response_class=FileResponse)
async def artifact(task_id: str, name: str, service: TheService) -> Response:
    """Download one of the task's files."""
    _, files = await asyncio.to_thread(_files_of, await service.task(task_id))
    file = next((file for file in files if file.name == name), None)
    if file is None:
        there = ", ".join(file.name for file in files) or "none"
        raise TaskFileNotFound(f"Task '{task_id}' has no file '{name}'. Its files: {there}.")
    return download(file)


def _files_of(task: TaskRecord) -> tuple[Path, list[Path]]:
    """The folder of the task's files, and the files that exist in it."""
    kind = KINDS[task.kind]
    folder = kind.output_folder(task.request)
    own: Path | None = folder
    if kind.shares_folder:
        own = results_folder(folder, task.kind, task.id)
    if own is None:  # The files in the folder belong to another task.
        return folder, []
    return own, [file for name in kind.artifacts if (file := own / name).is_file()]


def download(file: Path) -> FileResponse:
    """A file as an answer. A browser shows an image in its window, and saves anything else."""
    shown = "inline" if file.suffix.lower() in _SHOWN else "attachment"
    return FileResponse(file, filename=file.name, content_disposition_type=shown)
