"""The largest body of a request, and the time in which it must arrive."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from ray.exceptions import RayError
from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.error_answers import error_response

MAX_BODY_BYTES = 1024 * 1024
BODY_WITHIN_S = 60.0


class BodyLimit:
    """Answers 413 to bodies over 1 MiB, with or without a Content-Length, and 408 to bodies that take a minute.

    No GET route reads its body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        receive = _without_ray_errors(receive)
        if scope["method"] == "GET":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                body = await _read_body(scope, receive)
        except TimeoutError:
            response = error_response(408, f"The body did not arrive within {BODY_WITHIN_S:g} seconds.")
            await response(scope, receive, send)
            return
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
