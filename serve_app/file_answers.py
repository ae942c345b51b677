"""Answers with a file. What Starlette would say in plain text has the shape of every error."""

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from rfuav_ray.file_access.reading import name_of_open, open_file
from serve_app.error_answers import error_response

#: images that cannot hold a script
_SHOWN = frozenset({".png", ".jpg", ".jpeg", ".webp"})
#: of a report: it shows its own styles and images, and nothing of it runs, is sent or is fetched
_OF_A_REPORT = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'; sandbox"
)


class FileAnswer(FileResponse):
    """A file, or the part of it that the Range header asks for."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_refused = False

        async def send_file(message: MutableMapping[str, Any]) -> None:
            nonlocal is_refused
            # Starlette's own words for a Range that is wrong (400), or beyond the end of the file (416)
            status = message["status"] if message["type"] == "http.response.start" else self.status_code
            is_refused = is_refused or status not in {self.status_code, 206}
            if not is_refused:
                await send(message)

        await super().__call__(scope, receive, send_file)
        if is_refused:
            size = self.headers["content-length"]
            said = f"The file has {size} bytes: the Range header asks for none of them."
            await error_response(416, said, headers={"Content-Range": f"bytes */{size}"})(scope, receive, send)


class UserFile(FileAnswer):
    """A regular file below the roots. A browser shows an image or a report in its window, and saves anything else.

    It is sent by the descriptor that was checked, whatever its path leads to by now.

    Args:
        file: The file. It is opened at once.

    Raises:
        OutsideRoots: It lies outside of the roots.
        OSError: It cannot be opened, or is no regular file.
    """

    def __init__(self, file: Path) -> None:
        self._opened = open_file(file)
        suffix = file.suffix.lower()
        is_report = suffix == ".html"
        super().__init__(
            name_of_open(self._opened, file),
            headers={"Content-Security-Policy": _OF_A_REPORT} if is_report else None,
            media_type="text/html" if is_report else None,
            filename=file.name,
            stat_result=os.fstat(self._opened.fileno()),
            content_disposition_type="inline" if is_report or suffix in _SHOWN else "attachment",
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._opened.close()
