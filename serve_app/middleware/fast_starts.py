"""Starts trainings and inferences without FastAPI's routing, which takes ten times as long as parsing a request.

This module calls the functions of FastAPI's routes. It passes an invalid request on to FastAPI, which reports why.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response

from rfuav_ray.api.requests import InferenceRequest, RunRequest, TrainingRequest
from serve_app.error_answers import answer_to
from serve_app.middleware.guards import App, Receive, Scope, Send, with_body
from serve_app.routes.inference import start_inference
from serve_app.routes.training import start_training

Start = Callable[[Any, Any], Awaitable[Response]]

_STARTS: dict[str, tuple[type[RunRequest], Start]] = {
    "/api/v2/training/start": (TrainingRequest, start_training),
    "/api/v2/inference/start": (InferenceRequest, start_inference),
}


class FastStarts:
    """Must run behind BodyLimit, which delivers the body in one message."""

    def __init__(self, app: App, api: FastAPI) -> None:
        """Wrap an ASGI application.

        Args:
            app: gets every request that is not answered here.
            api: the FastAPI application; its state holds the service.
        """
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _STARTS.get(scope["path"]) if scope["type"] == "http" else None
        if found is None or scope["method"] != "POST" or not _is_json(scope):
            await self._app(scope, receive, send)
            return
        model, start = found
        body = bytes((await receive()).get("body", b""))
        try:
            request = model.model_validate(json.loads(body))
        except Exception:
            await self._app(scope, with_body(body, receive), send)
            return
        try:
            answer = await start(request, self._api.state.service)
        except Exception as error:  # FastAPI's error handlers do the same.
            answer = answer_to(error)
        await answer(scope, receive, send)


def _is_json(scope: Scope) -> bool:
    content_type = dict(scope["headers"]).get(b"content-type", b"")
    return bool(content_type.partition(b";")[0].strip().lower() == b"application/json")
