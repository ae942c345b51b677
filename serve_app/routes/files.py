"""The folders and files that requests may name, for users who choose a path."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response
from pydantic import AfterValidator

from rfuav_ray import paths
from rfuav_ray.api.folder_listing import list_folder
from rfuav_ray.api.requests.fields import no_nul
from rfuav_ray.api.responses import FolderResponse
from rfuav_ray.errors import InvalidInput
from rfuav_ray.files import is_image
from serve_app.gateway import TheService
from serve_app.routes.artifacts import download

router = APIRouter(prefix="/api/v2/files", tags=["files"])

Path = Annotated[str, Query(max_length=4096), AfterValidator(no_nul)]


@router.get("")
async def files(service: TheService, path: Path = "") -> FolderResponse:
    """List a folder below DATA_ROOTS; without a path, the roots themselves."""
    return await asyncio.to_thread(list_folder, path, service.settings.data_roots)


@router.get("/image", response_class=FileResponse)
async def image(service: TheService, path: Path) -> Response:
    """An image file below DATA_ROOTS, unchanged."""
    file = await asyncio.to_thread(paths.existing_file, path, service.settings.data_roots, field="path")
    if not is_image(file):
        raise InvalidInput("path", f"'{file}' is not an image. Supported: png, jpg, jpeg, bmp.")
    return download(file)
