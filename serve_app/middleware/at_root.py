"""The service answers under `/` alone: its rules about paths would not apply below a prefix."""

from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.error_answers import error_response


class AtRoot:
    """Refuses everything where Serve was given a `route_prefix` for the service."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Serve leaves the prefix in the path, and names it here.
        prefix = scope.get("root_path")
        app = self._app
        if prefix and scope["type"] == "http":
            app = error_response(
                503, f"The service cannot be below '{prefix}'. Set route_prefix to / where it is deployed."
            )
        await app(scope, receive, send)
