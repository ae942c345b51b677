"""Errors in front of the routes, where FastAPI's handlers do not see them."""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.error_answers import answer_to


class Failures:
    """Answers what fails in the middleware behind it, in the one shape of errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def watched(message: MutableMapping[str, Any]) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if has_begun or scope["type"] != "http":  # FastAPI's error handlers have answered.
                raise
            await answer_to(error)(scope, receive, send)
