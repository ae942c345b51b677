"""Is the service well, and what is it."""

import asyncio
import logging
from collections import Counter

from fastapi import APIRouter, Response

from actors.hardware import read_gpus
from rfuav_ray.responses import HealthResponse, InfoResponse
from rfuav_ray.tasks import now
from serve_app.service import TheService

logger = logging.getLogger("rfuav.api")

router = APIRouter(prefix="/api/v1", tags=["health"])

HEALTH_TIMEOUT_S = 3.0


@router.get("/health", responses={503: {"model": HealthResponse, "description": "unhealthy"}})
async def health(service: TheService, response: Response) -> HealthResponse:
    """503 with `unhealthy` when the TaskManager does not answer. Needs no key."""
    gpus = await asyncio.to_thread(read_gpus)
    status = {"gpu_available": gpus["available"], "gpu_count": gpus["count"]}
    try:
        status |= await service.resources(HEALTH_TIMEOUT_S)
        is_healthy = True
    except Exception:  # whatever is wrong with the TaskManager, this route tells of it
        logger.exception("the task manager is not well")
        status |= {"device_usage": {}, "active_tasks": {}, "limits": {}}
        response.status_code = 503
        is_healthy = False
    alive = Counter(task.kind for task in service.view.newest_first() if not task.status.is_ended)
    return HealthResponse(
        status="healthy" if is_healthy else "unhealthy",
        timestamp=now(),
        version=service.settings.version,
        training_tasks=alive["training"],
        inference_tasks=alive["inference"],
        active_log_streams=service.streams.client_count,
        resource_status=status,
    )


@router.get("/info")
async def info(service: TheService) -> InfoResponse:
    settings = service.settings
    gpus = await asyncio.to_thread(read_gpus)
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
