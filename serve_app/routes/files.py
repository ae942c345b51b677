"""The folders and files that requests may name, for users who choose a path."""

import asyncio
import pathlib
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, Response
from pydantic import AfterValidator

from rfuav_ray import paths
from rfuav_ray.api.folder_listing import list_folder
from rfuav_ray.api.requests.fields import no_nul
from rfuav_ray.api.responses import FolderResponse
from rfuav_ray.errors import InvalidInput
from rfuav_ray.files import IMAGE_KINDS, is_image
from serve_app.error_answers import FILE
from serve_app.file_answers import UserFile
from serve_app.gateway import TheService

router = APIRouter(prefix="/api/v2/files", tags=["files"])

Path = Annotated[str, Query(max_length=4096), AfterValidator(no_nul)]


@router.get("")
async def files(service: TheService, path: Path = "") -> FolderResponse:
    """List a folder below DATA_ROOTS; without a path, the roots themselves."""
    return await asyncio.to_thread(list_folder, path, service.settings.folder_roots)


@router.get("/image", response_class=FileResponse, responses=FILE)
async def image(service: TheService, path: Path) -> Response:
    """An image file below DATA_ROOTS, unchanged."""
    return await asyncio.to_thread(_image, path, service.settings.folder_roots)


def _image(text: str, roots: Sequence[pathlib.Path]) -> UserFile:
    file = paths.existing_file(text, roots, field="path")
    if not is_image(file):
        raise InvalidInput("path", f"'{file}' is not an image; {IMAGE_KINDS} are shown.")
    try:
        return UserFile(file)
    except OSError as error:
        raise InvalidInput("path", f"'{file}' cannot be read: {error.strerror}.") from None
