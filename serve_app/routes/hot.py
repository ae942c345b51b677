"""Route classes for the requests that come thousands of times a second: they skip what FastAPI does for any route.

FastAPI takes twenty times as long for a status as this service needs to send it from memory, and ten times as long
for a start as it needs to parse it. FastAPI handles what is not at hand or is invalid, as for every other route.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, get_type_hints

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from serve_app.gateway import Service
from serve_app.view.cached_json import Encoded

#: gets the service and the parameters of the path
AtHand = Callable[[Service, dict[str, Any]], Encoded | None]


class CachedRoute(APIRoute):
    """A route whose answer is often at hand. `CachedAnswers` then sends it; else the route's function finds it."""

    at_hand: AtHand


def cached_by(find: AtHand) -> type[CachedRoute]:
    """Make the class of routes whose answers `find` has at hand."""

    class Route(CachedRoute):
        at_hand = staticmethod(find)

    return Route


class StartRoute(APIRoute):
    """Validates the body with the model of the function's `request` parameter alone."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        by_fastapi = super().get_route_handler()
        start: Callable[[Any, Service], Awaitable[Response]] = self.endpoint
        model = get_type_hints(start)["request"]

        async def handler(request: Request) -> Response:
            if not _is_json(request):
                return await by_fastapi(request)
            body = await request.body()
            try:
                valid = model.model_validate(json.loads(body))
            except (ValueError, RecursionError):  # FastAPI says what is wrong.
                return await by_fastapi(request)
            return await start(valid, request.app.state.service)

        return handler


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
