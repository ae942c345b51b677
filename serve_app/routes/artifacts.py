"""A task's request, and the files that the task writes."""

import asyncio
import os
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.responses import Artifact, ArtifactsResponse
from rfuav_ray.errors import TaskFileNotFound
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.outputs.ownership import results_folder
from rfuav_ray.tasks import TaskRecord
from serve_app.error_answers import FILE, UNKNOWN_TASK
from serve_app.file_answers import UserFile
from serve_app.gateway import TheService

router = APIRouter(prefix="/api/v2/tasks/{task_id}", tags=["tasks"], responses=UNKNOWN_TASK)


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
                size_bytes=size_bytes,
                url=f"/api/v2/tasks/{task_id}/artifacts/{file.name}",
            )
            for file, size_bytes in files
        ],
    )


@router.get("/artifacts/{name}", response_class=FileResponse, responses=FILE)
async def artifact(task_id: str, name: str, service: TheService) -> Response:
    """Download one of the task's files."""
    return await asyncio.to_thread(_download, await service.task(task_id), name)


def _download(task: TaskRecord, name: str) -> UserFile:
    _, files = _files_of(task)
    file = next((file for file, _ in files if file.name == name), None)
    try:
        if file is not None:
            return UserFile(file)
    except OSError:  # deleted or replaced since
        files = [one for one in files if one[0] != file]
    there = ", ".join(file.name for file, _ in files) or "none"
    raise TaskFileNotFound(f"Task '{task.id}' has no file '{name}'. Its files: {there}.")


def _files_of(task: TaskRecord) -> tuple[Path | str, list[tuple[Path, int]]]:
    """The folder of the task's files, and the files that it may show from there, with their sizes in bytes.

    Nothing from a bucket: whoever may read it has it from there.
    """
    kind = KINDS[task.kind]
    if (url := kind.output_url(task.request)) is not None:
        return url, []
    folder = kind.output_folder(task.request)
    own: Path | None = folder
    if kind.shares_folder:
        own = results_folder(folder, task.kind, task.id)
    if own is None:  # The files in the folder belong to another task.
        return folder, []
    sized = ((file, _size_bytes(file)) for name in kind.artifacts if os.path.lexists(file := own / name))
    return own, [(file, size_bytes) for file, size_bytes in sized if size_bytes is not None]


def _size_bytes(file: Path) -> int | None:
    """None if it cannot be read, or lies outside of the roots."""
    try:
        with open_file(file) as opened:
            return os.fstat(opened.fileno()).st_size
    except OSError:
        return None
