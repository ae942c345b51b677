"""Checks in front of every route: the size of bodies, and the keys. Plain ASGI, so that streams pass through."""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from ray.exceptions import RayError

from serve_app.error_answers import error_response
from serve_app.routes.page import wants_page

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 1024 * 1024
#: need no key: health, and the web page's files, which hold no data
OPEN_PATHS = frozenset({"/api/v1/health"})
OPEN_FOLDER = "/static/"


class BodyLimit:
    """Answers 413 to bodies over 1 MiB, with or without a Content-Length.

    The next application gets the whole body in one message.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        receive = _without_ray_errors(receive)
        body = await _read_body(scope, receive)
        if body is None:
            response = error_response(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
            await response(scope, receive, send)
            return
        await self._app(scope, with_body(body, receive), send)


def with_body(body: bytes, receive: Receive) -> Receive:
    """Build a `receive` for a body that was read before.

    Args:
        body: the whole body; the first message delivers it.
        receive: delivers the messages after the body.
    """
    is_given = False

    async def replay() -> MutableMapping[str, Any]:
        nonlocal is_given
        if is_given:
            return await receive()  # Only the client's disconnect can follow.
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _without_ray_errors(receive: Receive) -> Receive:
    """Turn a RayError into a disconnect: Serve's proxy has died or cancelled the request. The client is gone."""

    async def receive_or_disconnect() -> MutableMapping[str, Any]:
        try:
            return await receive()
        except RayError:
            return {"type": "http.disconnect"}

    return receive_or_disconnect


async def _read_body(scope: Scope, receive: Receive) -> bytes | None:
    announced = dict(scope["headers"]).get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > MAX_BODY_BYTES:
        return None
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY_BYTES:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return body


class KeyCheck:
    """Answers 401 to requests without a known key in `Authorization: Bearer` or `X-API-Key`."""

    def __init__(self, app: App, keys: Sequence[str]) -> None:
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
