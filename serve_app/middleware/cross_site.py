"""Writes that a web page of another origin sends through a user's browser.

CORS keeps such a page from reading answers. It does not keep it from sending: a form or a request without a body
needs no permission. Browsers say where a request comes from, and pages cannot change these headers.
"""

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from rfuav_ray.events import one_line
from serve_app.error_answers import error_response

#: they change nothing
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
#: the page of the service, and a user who typed the address. `same-site` is another program of this machine.
_OWN_SITES = frozenset({b"same-origin", b"none"})
_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}
_SHOWN_CHARS = 80


class CrossSite:
    """Answers 403 to writes of other origins. Programs send neither `Origin` nor `Sec-Fetch-Site`, and pass."""

    def __init__(self, app: ASGIApp, *, origins: Sequence[str]) -> None:
        """Wrap an ASGI application. `origins`: the other origins whose pages may write; `*` for all."""
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _READS or self._may_write(scope):
            await self._app(scope, receive, send)
            return
        origin = _values(scope, b"origin") or [b"another origin"]
        shown = one_line(origin[0].decode("latin-1"), _SHOWN_CHARS)
        response = error_response(
            403,
            f"A web page of {shown} may not change anything here. Its origin must be in CORS_ORIGINS; behind a "
            "reverse proxy, the proxy must pass the Host header on.",
        )
        await response(scope, receive, send)

    def _may_write(self, scope: Scope) -> bool:
        origins = _values(scope, b"origin")
        if len(origins) == 1 and not self._origins.isdisjoint({b"*", origins[0]}):
            return True
        if any(site.lower() not in _OWN_SITES for site in _values(scope, b"sec-fetch-site")):
            return False
        return not origins or (len(origins) == 1 and _is_own(origins[0], _values(scope, b"host")))


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]


def _is_own(origin: bytes, hosts: list[bytes]) -> bool:
    """Whether the origin names the host of the request. Neither of them writes a scheme's default port."""
    scheme, found, host = origin.lower().partition(b"://")
    port = _DEFAULT_PORTS.get(scheme)
    if not found or port is None or len(hosts) != 1:
        return False
    return host.removesuffix(port) == hosts[0].lower().removesuffix(port)
