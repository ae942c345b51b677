"""The keys of the clients."""

import hmac
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.error_answers import error_response
from serve_app.pages.page import wants_page

#: need no key: health, and the web page's files, which hold no data
OPEN_PATHS = frozenset({"/api/v1/health"})
OPEN_FOLDER = "/static/"


class KeyCheck:
    """Answers 401 to requests without a known key in `Authorization: Bearer` or `X-API-Key`."""

    def __init__(self, app: ASGIApp, keys: Sequence[str]) -> None:
        self._app = app
        self._keys = [key.encode() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_open(scope) and not self._is_known(scope):
            response = error_response(
                401,
                "A key is required: send it as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'.",
                headers={"WWW-Authenticate": "Bearer"},
            )
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        offered = token.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")
        # Compare every key, so that the duration does not reveal which key matched.
        return sum(hmac.compare_digest(offered, key) for key in self._keys) > 0


def _is_open(scope: Scope) -> bool:
    path = scope["path"]
    if path == "/":  # Browsers get the page without a key. The index for other clients needs one.
        return wants_page(scope)
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDER)
