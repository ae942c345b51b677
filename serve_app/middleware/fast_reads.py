"""Answers frequent reads, a task's status and the service's health, before they reach FastAPI.

FastAPI's routes return the same bytes. They get every request that has no answer in local memory.
"""

import re

from fastapi import FastAPI

from serve_app.gateway import Service
from serve_app.middleware.guards import App, Receive, Scope, Send
from serve_app.view.cached_json import Encoded

_TASK_PATH = re.compile(r"/api/v2/(tasks|training|inference)/([A-Za-z0-9._-]{1,64})")
HEALTH_PATH = "/api/v1/health"


class FastReads:
    def __init__(self, app: App, api: FastAPI) -> None:
        """Wrap an ASGI application.

        Args:
            app: gets every request that is not answered here.
            api: the FastAPI application; its state holds the service.
        """
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            answer = self._cached_answer(self._api.state.service, scope["path"])
            if answer is not None:
                await _send(answer, dict(scope["headers"]).get(b"if-none-match"), send)
                return
        await self._app(scope, receive, send)

    def _cached_answer(self, service: Service, path: str) -> Encoded | None:
        if path == HEALTH_PATH:
            return service.health.cached_answer()
        if match := _TASK_PATH.fullmatch(path):
            kind, task_id = match.groups()
            return service.view.copy.encoded(task_id, None if kind == "tasks" else kind)
        return None


async def _send(answer: Encoded, if_none_match: bytes | None, send: Send) -> None:
    headers = [(b"etag", answer.etag.encode())]
    status, body = 304, b""
    if if_none_match is None or not answer.is_known_to(if_none_match.decode("latin-1")):
        status, body = 200, answer.body
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
