"""The service's health and description."""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from rfuav_ray.api.responses import HealthResponse, InfoResponse
from serve_app.gateway import TheService
from serve_app.route_classes import cached_by
from serve_app.view.cached_json import response

PREFIX = "/api/v1"
router = APIRouter(prefix=PREFIX, tags=["health"])
cached = APIRouter(
    prefix=PREFIX, tags=["health"], route_class=cached_by(lambda service, _: service.health.cached_answer())
)


@cached.get(
    "/health",
    response_model=HealthResponse,
    responses={503: {"model": HealthResponse, "description": "unhealthy"}},
)
async def health(service: TheService, if_none_match: Annotated[str, Header()] = "") -> Response:
    """503 with `unhealthy` when the TaskManager does not answer. Needs no key."""
    answer = await service.health.healthy()
    if answer is None:
        body = service.health.show(None).model_dump_json()
        return Response(body, 503, media_type="application/json")
    return response(answer, if_none_match)


@router.get("/info")
async def info(service: TheService) -> InfoResponse:
    """The version of the service, its models, and the limits from the settings."""
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
        notices=list(service.notices),
    )
