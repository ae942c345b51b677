"""Swagger UI: the page of fastapi-offline with a policy for browsers."""

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import Response

from serve_app.pages.policies import of_documentation

router = APIRouter(include_in_schema=False)

#: where fastapi-offline serves the program
_FILES = "/static-offline-docs"


@router.get("/docs")
async def docs(request: Request) -> Response:
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=f"{request.app.title} - Swagger UI",
        swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{_FILES}/swagger-ui.css",
        swagger_favicon_url=f"{_FILES}/favicon.png",
    )
    page.headers["Content-Security-Policy"] = of_documentation(bytes(page.body))
    return page
