"""Starts of trainings and inferences, taken in front of FastAPI's routing, which costs ten times their parsing.

FastAPI's routes are what is called here; a request that is not right goes on to FastAPI, which says why.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response

from rfuav_ray.api.requests import InferenceRequest, RunRequest, TrainingRequest
from serve_app.errors import answer_to
from serve_app.middleware.guards import App, Receive, Scope, Send, with_body
from serve_app.routes.inference import start_inference
from serve_app.routes.training import start_training

Start = Callable[[Any, Any], Awaitable[Response]]

_STARTS: dict[str, tuple[type[RunRequest], Start]] = {
    "/api/v2/training/start": (TrainingRequest, start_training),
    "/api/v2/inference/start": (InferenceRequest, start_inference),
}


class FastStarts:
    """Stands behind BodyLimit: the body comes in one message."""

    def __init__(self, app: App, api: FastAPI) -> None:
        """`app` is what goes on, `api` the application whose state has the service."""
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
        except Exception as error:  # as FastAPI would
            answer = answer_to(error)
        await answer(scope, receive, send)


def _is_json(scope: Scope) -> bool:
    content_type = dict(scope["headers"]).get(b"content-type", b"")
    return bool(content_type.partition(b";")[0].strip().lower() == b"application/json")
