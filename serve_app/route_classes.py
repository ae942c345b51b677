"""Classes of the routes whose requests come thousands of times a second. They know a short way to the answer.

FastAPI takes twenty times as long for a status as this service needs to send it from memory, and ten times as long
for a start as it needs to parse it. The middleware HotRoutes takes the short way where there is one. Anything else
is FastAPI's, as for every other route.
"""

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any, get_type_hints

from fastapi.routing import APIRoute
from pydantic import BaseModel

from serve_app.gateway import Service
from serve_app.view.cached_json import Encoded

#: gets the service and the parameters of the path
AtHand = Callable[[Service, dict[str, Any]], Encoded | None]


class CachedRoute(APIRoute):
    """A route whose answer is often at hand. Otherwise its function finds it."""

    at_hand: AtHand


def cached_by(find: AtHand) -> type[CachedRoute]:
    """Make the class of routes whose answers `find` has at hand."""

    class Route(CachedRoute):
        at_hand = staticmethod(find)

    return Route


class StartRoute(APIRoute):
    """A route whose function takes a `request`, the body, and a `service`, and returns the response."""

    @cached_property
    def _model(self) -> type[BaseModel]:
        model: type[BaseModel] = get_type_hints(self.endpoint)["request"]
        return model

    def parsed(self, content_type: str, body: bytes) -> BaseModel | None:
        """The valid request; None when FastAPI has to say what is wrong with it."""
        if content_type.partition(";")[0].strip().lower() != "application/json":
            return None
        try:
            return self._model.model_validate(json.loads(body))
        except (ValueError, RecursionError):
            return None
