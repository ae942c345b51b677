"""ReDoc without requests to other hosts: the page of fastapi-offline loads its footer's logo from one."""

from functools import lru_cache

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_redoc_html
from fastapi.responses import Response

from serve_app.pages.docs import FOLDER
from serve_app.pages.policies import of_documentation

router = APIRouter(include_in_schema=False)

_SCRIPT = FOLDER / "redoc.standalone.js"
_FROM_ELSEWHERE, _ICON = b"https://cdn.redoc.ly/redoc/logo-mini.svg", "static/icon.svg"


@router.get("/redoc")
async def redoc(request: Request) -> Response:
    page = get_redoc_html(
        openapi_url="openapi.json",
        title=f"{request.app.title} - ReDoc",
        redoc_js_url="redoc.js",
        redoc_favicon_url=_ICON,
        with_google_fonts=False,
    )
    page.headers["Content-Security-Policy"] = of_documentation(bytes(page.body))
    return page


@router.get("/redoc.js")
async def redoc_script() -> Response:
    return Response(_script(), media_type="text/javascript", headers={"Cache-Control": "max-age=3600"})


@lru_cache
def _script() -> bytes:
    return _SCRIPT.read_bytes().replace(_FROM_ELSEWHERE, _ICON.encode())
