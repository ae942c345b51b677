"""Is the service well, and what is it."""

import logging
from typing import Any

from fastapi import APIRouter, Response

from rfuav_ray.responses import HealthResponse, InfoResponse
from rfuav_ray.tasks import LIVE_STATUSES, now
from serve_app.service import TheService

logger = logging.getLogger("rfuav.api")

router = APIRouter(prefix="/api/v1", tags=["health"])

HEALTH_TIMEOUT_S = 3.0


@router.get("/health", responses={503: {"model": HealthResponse, "description": "unhealthy"}})
async def health(service: TheService, response: Response) -> HealthResponse:
    """503 with `unhealthy` when the TaskManager does not answer. Needs no key."""
    status: dict[str, Any] = {"device_usage": {}, "active_tasks": {}, "limits": {}}
    gpus = {"available": False, "count": 0}
    try:
        resources = await service.ask(service.task_manager_actor.resources.remote(), HEALTH_TIMEOUT_S)
        gpus = resources.pop("gpu_info")
        status = resources
        is_healthy = True
    except Exception:  # whatever is wrong with the TaskManager, this route tells of it
        logger.exception("the task manager is not well")
        response.status_code = 503
        is_healthy = False
    return HealthResponse(
        status="healthy" if is_healthy else "unhealthy",
        timestamp=now(),
        version=service.settings.version,
        training_tasks=service.view.copy.count({"training"}, LIVE_STATUSES),
        inference_tasks=service.view.copy.count({"inference"}, LIVE_STATUSES),
        active_log_streams=service.streams.client_count,
        resource_status={"gpu_available": gpus["available"], "gpu_count": gpus["count"], **status},
    )


@router.get("/info")
async def info(service: TheService) -> InfoResponse:
    settings = service.settings
    gpus = (await service.resources())["gpu_info"]
    return InfoResponse(
        app_name=settings.app_name,
        version=settings.version,
        environment=settings.environment,
        supported_models=list(settings.supported_models),
        resource_limits={
            name: getattr(settings, name)
            for name in (
                "max_training_concurrent_gpu",
                "max_inference_concurrent_gpu",
                "max_training_concurrent_cpu",
                "max_inference_concurrent_cpu",
            )
        },
        gpu_available=gpus["available"],
    )
