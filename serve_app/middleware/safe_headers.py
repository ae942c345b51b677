"""Headers that keep browsers from running or framing what the service sends."""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

#: for all but the pages, which have a policy of their own: whatever it is, nothing of it runs
_POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
_WITH_POLICY = (*_HEADERS, (b"content-security-policy", _POLICY))


class SafeHeaders:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                has_policy = any(name == b"content-security-policy" for name, _ in headers)
                message["headers"] = [*headers, *(_HEADERS if has_policy else _WITH_POLICY)]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
