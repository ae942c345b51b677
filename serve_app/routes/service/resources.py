"""Devices, their use, and their limits."""

from typing import Any

from fastapi import APIRouter

from rfuav_ray.api.requests import ResourceConfigUpdate
from rfuav_ray.api.responses import ConfigUpdateResponse, ResourceStatusResponse
from serve_app.gateway import TheService

router = APIRouter(prefix="/api/v2/resources", tags=["resources"])


@router.get("")
async def resource_status(service: TheService) -> ResourceStatusResponse:
    """The devices with their limits, slots in use and running tasks, and the GPUs."""
    return ResourceStatusResponse(**await service.resources())


@router.get("/gpu")
async def gpu_status(service: TheService) -> dict[str, Any]:
    """Every GPU of the cluster, read on its node; `available` is false where there is none."""
    info: dict[str, Any] = (await service.resources())["gpu_info"]
    return info


@router.get("/cpu")
async def cpu_status(service: TheService) -> dict[str, Any]:
    """The CPU of the head node, and under `nodes` that of every node."""
    nodes = await service.read(service.task_manager_actor.cpus.remote)
    return {**nodes[0], "nodes": nodes}


@router.post("/config", name="update_caps")  # the name is part of the operation id
async def update_limits(update: ResourceConfigUpdate, service: TheService) -> ConfigUpdateResponse:
    """Change how many runs each device takes; waiting tasks start at once, running tasks finish."""
    changes = {device: kinds.model_dump(exclude_none=True) for device, kinds in update.max_concurrent.items()}
    limits: dict[str, dict[str, int]] = await service.ask(service.task_manager_actor.update_limits.remote(changes))
    return ConfigUpdateResponse(status="success", message="Limits updated.", current_config=limits)
