"""The web page's files. They hold no data and need no key: the page asks for a key when the API needs one."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from serve_app.pages.policies import OF_PAGE

STATIC = Path(__file__).parents[1] / "static"
PATH = "/static"

HEADERS = {"Content-Security-Policy": OF_PAGE, "Cache-Control": "no-cache"}


class _Files(StaticFiles):
    def file_response(self, *arguments: object, **named: object) -> Response:
        response: Response = super().file_response(*arguments, **named)  # type: ignore[arg-type]
        response.headers.update(HEADERS)
        return response


def add_page(app: FastAPI) -> None:
    app.mount(PATH, _Files(directory=STATIC), name="page")


def wants_page(scope: Scope) -> bool:
    """Whether a browser requests the root. `KeyCheck` asks this, too: browsers get the page without a key."""
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def page() -> Response:
    return FileResponse(STATIC / "index.html", headers=HEADERS)
