"""Answers with a file of users: by the descriptor that was checked, whatever its path leads to by now."""

import os
from pathlib import Path
from typing import Literal

from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from rfuav_ray.file_access.reading import name_of_open, open_file


class UserFile(FileResponse):
    """A regular file below the roots.

    Args:
        file: The file. It is opened at once.
        disposition: Whether a browser shows it or stores it.

    Raises:
        OutsideRoots: It lies outside of the roots.
        OSError: It cannot be opened, or is no regular file.
    """

    def __init__(self, file: Path, *, disposition: Literal["inline", "attachment"]) -> None:
        self._opened = open_file(file)
        super().__init__(
            name_of_open(self._opened, file),
            filename=file.name,
            stat_result=os.fstat(self._opened.fileno()),
            content_disposition_type=disposition,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._opened.close()
