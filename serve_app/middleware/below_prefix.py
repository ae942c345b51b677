"""The service below a prefix of paths. Everything behind it sees the same paths as at `/`."""

from urllib.parse import quote

from fastapi.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.error_answers import error_response

_PREFIX = "rfuav.prefix"


class BelowPrefix:
    """Takes the prefix off each path, once. Must run in front of every rule about paths."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Ray Serve leaves its `route_prefix` in the path, and names it here.
        prefix = scope.get("root_path", "")
        if not prefix or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        app, path = self._app, scope["path"]
        if path.startswith(f"{prefix}/"):
            inner = path[len(prefix) :]
            # Starlette would take `root_path` off a second time where the rest begins with it.
            scope = {**scope, "path": inner, "root_path": "", "raw_path": None, _PREFIX: quote(prefix)}
        elif path == prefix:
            app = _with_slash(prefix)
        else:
            app = error_response(404, f"There is no such route. The service is below {prefix}/.")
        await app(scope, receive, send)


def prefix_of(scope: Scope) -> str:
    """What a browser must put in front of this service's paths: `/lab`; "" for a service at `/`."""
    prefix: str = scope.get(_PREFIX, "")
    return prefix


def _with_slash(prefix: str) -> Response:
    """The page's addresses are relative, which needs the slash. So is this one: a proxy may hide a part of it."""
    return Response(status_code=307, headers={"Location": f"{quote(prefix.rpartition('/')[2])}/"})
