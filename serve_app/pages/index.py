"""The root route: the web page for browsers, an index of the routes for programs."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serve_app.gateway import TheService
from serve_app.pages.page import page, wants_page

router = APIRouter(include_in_schema=False)

FEATURES = (
    "training",
    "inference",
    "batch inference",
    "preprocessing",
    "priorities",
    "live event streams",
    "resource limits",
)


@router.get("/", response_model=None)
async def index(request: Request, service: TheService) -> Response | dict[str, Any]:
    """The page for a browser, an index for a program."""
    if wants_page(request.scope):
        return page()
    return {
        "name": service.settings.app_name,
        "version": service.settings.version,
        "environment": service.settings.environment,
        "features": FEATURES,
        "endpoints": sorted(request.app.openapi()["paths"]),
        "documentation": ["/docs", "/redoc", "/openapi.json"],
    }
