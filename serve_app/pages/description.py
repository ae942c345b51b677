"""The description of the API (OpenAPI): FastAPI's, how a request signs in, and where the service is."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from serve_app.access.scopes import SESSION_PATH, needed_scope
from serve_app.access.sessions import cookie_of
from serve_app.middleware.below_prefix import prefix_of

router = APIRouter(include_in_schema=False)


@router.api_route("/openapi.json", methods=["GET", "HEAD"])
async def description(request: Request) -> JSONResponse:
    api = request.app.openapi()
    if prefix := prefix_of(request.scope):
        api = api | {"servers": [{"url": prefix}]}
    return JSONResponse(api)


def describe_access(app: FastAPI, port: int) -> None:
    """Let the description say which operations need a key, and how it is sent.

    A service without keys has the same description, and asks for none.
    """
    of_fastapi = app.openapi

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            _add(of_fastapi(), port)
        return of_fastapi()

    app.openapi = description  # type: ignore[method-assign]


def _add(api: dict[str, Any], port: int) -> None:
    schemes = _schemes(port)
    api["components"]["securitySchemes"] = schemes
    ways: list[dict[str, list[str]]] = [{name: []} for name in schemes]
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            if needed_scope(method.upper(), path) is not None:
                operation["security"] = ways
            else:  # To sign in needs nothing. Health says more to who has a key.
                operation["security"] = [] if path == SESSION_PATH else [{}, *ways]


def _schemes(port: int) -> dict[str, Any]:
    return {
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "a key of the service"},
        "bearer": {"type": "http", "scheme": "bearer", "description": "the same key"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": cookie_of(port),
            "description": f"the cookie of `POST {SESSION_PATH}`; its name has the port of the service",
        },
    }
