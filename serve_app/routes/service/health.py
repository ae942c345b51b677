"""The service's health and description."""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from rfuav_ray.api.responses import HealthResponse, InfoResponse
from serve_app.access.caller import CALLER, NOBODY
from serve_app.error_answers import NOT_MODIFIED
from serve_app.gateway import TheService
from serve_app.route_classes import cached_by
from serve_app.view.cached_json import response
from serve_app.view.health_report import as_json

PREFIX = "/api/v1"
router = APIRouter(prefix=PREFIX, tags=["health"])
cached = APIRouter(
    prefix=PREFIX,
    tags=["health"],
    route_class=cached_by(lambda service, _: service.health.cached_answer(_is_open())),
)


@cached.get(
    "/health",
    response_model=HealthResponse,
    responses=NOT_MODIFIED | {503: {"model": HealthResponse, "description": "unhealthy"}},
)
async def health(service: TheService, if_none_match: Annotated[str, Header()] = "") -> Response:
    """503 with `unhealthy` when the TaskManager does not answer. Without a key: status, version and counts."""
    answer = await service.health.healthy(_is_open())
    if answer is None:
        body = as_json(service.health.show(None, is_open=_is_open()))
        return Response(body, 503, media_type="application/json")
    return response(answer, if_none_match)


def _is_open() -> bool:
    """Whether this caller has no key, in a service that needs keys."""
    return CALLER.get() == NOBODY


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
