"""The folders and files that requests may name, for who chooses one."""

import asyncio

from fastapi import APIRouter

from rfuav_ray.folder_listing import list_folder
from rfuav_ray.responses import FolderResponse
from serve_app.service import TheService

router = APIRouter(prefix="/api/v2/files", tags=["files"])


@router.get("")
async def files(service: TheService, path: str = "") -> FolderResponse:
    """What is in a folder below DATA_ROOTS; without a path, the roots themselves."""
    return await asyncio.to_thread(list_folder, path, service.settings.data_roots)
