"""What a browser gets that opens the documentation without a sign-in."""

from fastapi.responses import FileResponse, Response
from starlette.types import Scope

from serve_app.pages.page import HEADERS, STATIC, wants_page

PATHS = frozenset({"/docs", "/redoc"})


def is_for_people(scope: Scope) -> bool:
    return scope["method"] == "GET" and scope["path"] in PATHS and wants_page(scope)


def sign_in_page() -> Response:
    return FileResponse(STATIC / "sign_in.html", 401, headers=HEADERS | {"WWW-Authenticate": "Bearer"})
