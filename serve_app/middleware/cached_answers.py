"""Answers of the cached routes, sent before FastAPI sees the request."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.routes.hot import CachedRoute
from serve_app.view.cached_json import Encoded


class CachedAnswers:
    def __init__(self, app: ASGIApp, api: FastAPI, routes: Sequence[BaseRoute]) -> None:
        """Wrap an ASGI application.

        Args:
            app: gets every request that is not answered here.
            api: the FastAPI application; its state holds the service.
            routes: the routes that may have an answer at hand, the most frequent first.
        """
        self._app = app
        self._api = api
        self._routes = [
            (route.path_regex.match, route.at_hand) for route in routes if isinstance(route, CachedRoute)
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and (answer := self._answer(scope["path"])):
            await _send(answer, dict(scope["headers"]).get(b"if-none-match"), send)
        else:
            await self._app(scope, receive, send)

    def _answer(self, path: str) -> Encoded | None:
        for match, at_hand in self._routes:
            if found := match(path):
                return at_hand(self._api.state.service, found.groupdict())
        return None


async def _send(answer: Encoded, if_none_match: bytes | None, send: Send) -> None:
    """Send what `cached_json.response` builds."""
    headers = [(b"etag", answer.etag.encode())]
    status, body = 304, b""
    if if_none_match is None or not answer.is_known_to(if_none_match.decode("latin-1")):
        status, body = 200, answer.body
        headers += [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
