"""The address of the client of a request."""

import os

from starlette.types import Scope

from actors.ray_internals.variables import CLIENT_HEADER

UNKNOWN = "unknown"


def client_address(scope: Scope) -> str:
    """The address from which the request came, without the port.

    HAProxy names it in a header that no client can send. Without HAProxy it is the other end of the connection.
    Behind a reverse proxy it is the address of that proxy.
    """
    if wanted := os.environ.get(CLIENT_HEADER, "").lower().encode():
        for name, value in scope["headers"]:
            if name == wanted:
                return str(value.decode("latin-1"))
    client = scope.get("client")
    return str(client[0]) if client else UNKNOWN
