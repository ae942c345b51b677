"""The web page's files. They hold no data and need no key: the page asks for a key when the API needs one."""

import os
from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from serve_app.file_answers import FileAnswer
from serve_app.pages.policies import OF_PAGE

STATIC = Path(__file__).parents[1] / "static"
PATH = "/static"

HEADERS = {"Content-Security-Policy": OF_PAGE, "Cache-Control": "no-cache"}


class Files(StaticFiles):
    """The files of a folder, with these headers."""

    def __init__(self, folder: Path, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(directory=folder)
        self._headers = headers

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response: Response = super().file_response(full_path, stat_result, scope, status_code)
        if isinstance(response, FileResponse):
            return FileAnswer(full_path, status_code, self._headers, stat_result=stat_result)
        response.headers.update(self._headers or {})
        return response


def add_page(app: FastAPI) -> None:
    app.mount(PATH, Files(STATIC, HEADERS), name="page")


def wants_page(scope: Scope) -> bool:
    """Whether a browser requests the root. `KeyCheck` asks this, too: browsers get the page without a key."""
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def page() -> Response:
    return FileAnswer(STATIC / "index.html", headers=HEADERS)
