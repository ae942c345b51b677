"""How long FastAPI's routes take to answer, and their errors, for `GET /metrics`.

It runs behind HotRoutes, so the short ways of the hot routes cost no more. Ray Serve's own metrics count those
requests, too.
"""

import secrets
import time
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from starlette.types import ASGIApp, Receive, Scope, Send

#: the class of a route without a tag, and of a path without a route
PAGE, UNKNOWN = "page", "unknown"
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class RequestMetrics:
    """The requests of one replica. A label names the replica: each scrape reaches one of several."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # else a second series for each
        self.registry = CollectorRegistry()
        self.replica = secrets.token_hex(4)
        self._duration = Histogram(
            "rfuav_http_request_duration_seconds",
            "Time until an answer begins, by class of route; without the hot routes' short ways",
            ("route_class", "replica"),
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._errors = Counter(
            "rfuav_http_errors",
            "Answers with a status of 400 or more, by class of route",
            ("route_class", "code", "replica"),
            registry=self.registry,
        )

    def add(self, route_class: str, code: int, duration_s: float) -> None:
        self._duration.labels(route_class, self.replica).observe(duration_s)
        if code >= 400:
            self._errors.labels(route_class, str(code), self.replica).inc()


class Measured:
    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.perf_counter()

        async def send_measured(message: MutableMapping[str, Any]) -> None:
            # An event stream goes on for hours. Its answer begins at once.
            if message["type"] == "http.response.start":
                self._metrics.add(_route_class(scope), message["status"], time.perf_counter() - began_s)
            await send(message)

        await self._app(scope, receive, send_measured)


def _route_class(scope: Scope) -> str:
    """The first tag of the route that the router has found."""
    if (route := scope.get("route")) is None:
        return UNKNOWN
    return str(next(iter(getattr(route, "tags", ())), PAGE))
