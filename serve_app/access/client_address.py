"""The address of the client of a request."""

import os
from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

from actors.ray_internals.variables import CLIENT_HEADER

UNKNOWN = "unknown"
#: A home or a lab has 2^64 IPv6 addresses: its clients count as one.
NETWORK_BITS = 64


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


def network_of(address: str) -> str:
    """Return what is counted as one client: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    below = 128 - NETWORK_BITS
    return f"{IPv6Address(int(found) >> below << below)}/{NETWORK_BITS}"
