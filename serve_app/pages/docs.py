"""Swagger UI with a policy for browsers. Its program comes with fastapi-offline: the page needs no other host.

The addresses in the pages are relative: the service may be below a prefix.
"""

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import Response

from serve_app.pages.page import Files
from serve_app.pages.policies import of_documentation

router = APIRouter(include_in_schema=False)

#: where fastapi-offline would serve the programs
_FILES = "static-offline-docs"
#: the programs of Swagger UI and ReDoc
FOLDER = Path(fastapi_offline.__file__).parent / "static"


def add_programs(app: FastAPI) -> None:
    app.mount(f"/{_FILES}", Files(FOLDER), name="documentation")


@router.get("/docs")
async def docs(request: Request) -> Response:
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=f"{request.app.title} - Swagger UI",
        swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{_FILES}/swagger-ui.css",
        swagger_favicon_url=f"{_FILES}/favicon.png",
    )
    page.headers["Content-Security-Policy"] = of_documentation(bytes(page.body))
    return page
