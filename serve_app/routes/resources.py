"""Devices, their use, and the caps."""

import asyncio
from typing import Any

from fastapi import APIRouter

from actors.hardware import read_cpu, read_gpus
from rfuav_ray.requests import ResourceConfigUpdate
from rfuav_ray.responses import ConfigUpdateResponse, ResourceStatusResponse
from serve_app.service import Service, TheService

router = APIRouter(prefix="/api/v2/resources", tags=["resources"])


@router.get("")
async def resource_status(service: TheService) -> ResourceStatusResponse:
    usage = await service.resources()
    return ResourceStatusResponse(**usage, gpu_info=await gpu_info(usage["device_usage"]))


@router.get("/gpu")
async def gpu_status(service: TheService) -> dict[str, Any]:
    return await gpu_info((await service.resources())["device_usage"])


@router.get("/cpu")
async def cpu_status() -> dict[str, Any]:
    return await asyncio.to_thread(read_cpu)


@router.post("/config")
async def update_caps(update: ResourceConfigUpdate, service: TheService) -> ConfigUpdateResponse:
    """Change how many runs each device takes; waiting tasks start at once, running ones finish."""
    caps = {device: caps.model_dump(exclude_none=True) for device, caps in update.max_concurrent.items()}
    limits = await _set_caps(service, caps)
    return ConfigUpdateResponse(status="success", message="Caps updated.", current_config=limits)


async def _set_caps(service: Service, caps: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    limits: dict[str, dict[str, int]] = await service.ask(service.task_manager_actor.update_caps.remote(caps))
    return limits


async def gpu_info(device_usage: dict[str, dict[str, int]]) -> dict[str, Any]:
    """The GPUs of this machine with what runs on each."""
    info = await asyncio.to_thread(read_gpus)
    for device in info["devices"]:
        device["current_tasks"] = device_usage.get(device["device_name"], {"training": 0, "inference": 0})
    return info
