"""Headers that keep browsers from running or framing what the service sends."""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.error_answers import answer_to

#: for all but the pages, which have a policy of their own: whatever it is, nothing of it runs
_POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
_WITH_POLICY = (*_HEADERS, (b"content-security-policy", _POLICY))


class SafeHeaders:
    """Adds the headers to every answer. What fails in front of the routes is answered, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = message["headers"]
                has_policy = any(name == b"content-security-policy" for name, _ in headers)
                message["headers"] = [*headers, *(_HEADERS if has_policy else _WITH_POLICY)]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            if has_begun:  # FastAPI's error handlers have answered.
                raise
            await answer_to(error)(scope, receive, send_with_headers)
