"""The names under which the service may be called: DNS rebinding ends here.

A web page of `evil.test` may let this name lead to this machine. The page and the service are then of one origin,
and only the `Host` header tells them apart. An address cannot lead elsewhere, so a service that listens for other
machines takes every address: behind a router or in a container it does not know all that it is called by.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Sequence

import psutil
from starlette.types import ASGIApp, Receive, Scope, Send

from rfuav_ray.events import one_line
from serve_app.error_answers import error_response

#: an IPv6 address in brackets, or a name or an IPv4 address; then perhaps a port
_FORM = re.compile(
    r"(?:\[(?P<v6>[0-9a-f]*:[0-9a-f:.]+)(?:%[a-z0-9._~%-]+)?\]|(?P<name>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?)(?::[0-9]{0,5})?"
)
#: values of `Host` that are remembered as ours; clients of one service use few
_MOST_REMEMBERED = 1000
_SHOWN_CHARS = 80


class HostCheck:
    """Answers 421 to requests for other hosts than this service. It is in front of everything that answers."""

    def __init__(self, app: ASGIApp, *, host: str, allowed: Sequence[str]) -> None:
        """Wrap an ASGI application.

        Args:
            app: Gets the requests for this service.
            host: The address or name on which the service listens for clients.
            allowed: More names: `name`, `*.suffix` or `*`.
        """
        self._app = app
        self._takes_all = "*" in allowed
        self._names = _names_of_this_machine() | {host.lower(), *allowed}
        self._suffixes = tuple(name[1:] for name in allowed if name.startswith("*."))
        self._takes_addresses = not _is_loopback(host)
        self._remembered: set[bytes] = set()
        # The full name takes a question to the DNS, which may last seconds.
        threading.Thread(target=self._add_full_name, name="full-name", daemon=True).start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._takes_all:
            await self._app(scope, receive, send)
            return
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) == 1 and (hosts[0] in self._remembered or self._is_ours(hosts[0])):
            await self._app(scope, receive, send)
        else:
            await _refusal(hosts)(scope, receive, send)

    def _is_ours(self, host: bytes) -> bool:
        form = _FORM.fullmatch(host.decode("latin-1").lower())
        if form is None or not self._is_our_name(form["v6"] or form["name"]):
            return False
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered.add(host)
        return True

    def _is_our_name(self, name: str) -> bool:
        if name in self._names or name.endswith(self._suffixes):
            return True
        address = _address(name)
        return address is not None and (
            self._takes_addresses or address.is_loopback or str(address) in self._names | _own_addresses()
        )

    def _add_full_name(self) -> None:
        self._names.add(socket.getfqdn().lower())


def _names_of_this_machine() -> set[str]:
    """`<name>.local` is its name in mDNS: the machine itself says where it leads."""
    name = socket.gethostname().lower()
    short = name.partition(".")[0]
    return {"localhost", name, short, f"{short}.local"}


def _own_addresses() -> set[str]:
    found = (one.address.partition("%")[0] for addresses in psutil.net_if_addrs().values() for one in addresses)
    return {str(address) for text in found if (address := _address(text))}


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # Python 3.13 was the first to see that ::ffff:127.0.0.1 is of the loopback.
    return getattr(address, "ipv4_mapped", None) or address


def _refusal(hosts: Sequence[bytes]) -> ASGIApp:
    if len(hosts) != 1:
        return error_response(421, "A request needs one Host header, with the name or address of this service.")
    asked = one_line(hosts[0].decode("latin-1"), _SHOWN_CHARS)
    return error_response(
        421, f"This service is not called '{asked}'. If it should be, add the name to ALLOWED_HOSTS."
    )
