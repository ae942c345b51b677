"""Gives the requests of hot routes to their short ways, before FastAPI sees them."""

from collections.abc import Sequence

from fastapi import FastAPI, Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.error_answers import answer_to
from serve_app.middleware.body_limit import with_body
from serve_app.route_classes import CachedRoute, StartRoute
from serve_app.view.cached_json import Encoded


class HotRoutes:
    """Must run behind BodyLimit, which delivers a body in one message."""

    def __init__(self, app: ASGIApp, api: FastAPI, routes: Sequence[BaseRoute]) -> None:
        """Wrap an ASGI application.

        Args:
            app: gets every request that is not answered here.
            api: the FastAPI application; its state holds the service.
            routes: the hot routes, the most frequent first.
        """
        self._app = app
        self._api = api
        self._cached = [
            (route.path_regex.match, route.at_hand) for route in routes if isinstance(route, CachedRoute)
        ]
        self._starts = {route.path: route for route in routes if isinstance(route, StartRoute)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["method"] == "GET":
                if answer := self._answer(scope["path"]):
                    await _send(answer, dict(scope["headers"]).get(b"if-none-match"), send)
                    return
            elif scope["method"] == "POST" and (route := self._starts.get(scope["path"])):
                await self._start(route, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _answer(self, path: str) -> Encoded | None:
        for match, at_hand in self._cached:
            if found := match(path):
                return at_hand(self._api.state.service, found.groupdict())
        return None

    async def _start(self, route: StartRoute, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        valid = route.parsed(request.headers.get("content-type", ""), body)
        if valid is None:
            await self._app(scope, with_body(body, receive), send)
            return
        try:
            answer = await route.endpoint(valid, self._api.state.service)
        except Exception as error:  # FastAPI's error handlers do the same.
            answer = answer_to(error)
        await answer(scope, receive, send)


async def _send(answer: Encoded, if_none_match: bytes | None, send: Send) -> None:
    """Send what `cached_json.response` builds."""
    headers = [(b"etag", answer.etag.encode())]
    status, body = 304, b""
    if if_none_match is None or not answer.is_known_to(if_none_match.decode("latin-1")):
        status, body = 200, answer.body
        headers += [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
