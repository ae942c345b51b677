"""Choosing and checking TCP ports before a server uses them."""

import random
import socket

from rfuav_ray.errors import RfuavError

#: Ray's workers use ports below this range, and outgoing connections on Linux use ports above it
PORT_RANGE = range(20_000, 32_000)
MAX_TRIES = 100


def free_port(host: str = "127.0.0.1") -> int:
    """Return a free port of `host` from a range that the system does not assign by itself.

    A port that the system chooses (`bind` to port 0) may become the local port of the next outgoing connection.
    Raises OSError when no free port is found.
    """
    for port in random.sample(PORT_RANGE, MAX_TRIES):
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        return port
    raise OSError(f"None of {MAX_TRIES} ports of {host} is free ({PORT_RANGE.start} to {PORT_RANGE.stop - 1}).")


def check_free(host: str, port: int) -> None:
    """Raise RfuavError if a server cannot listen on this address."""
    try:
        family = socket.getaddrinfo(host, port)[0][0]
        with socket.socket(family) as probe:
            # Servers set this option too: connections in TIME_WAIT do not block the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise RfuavError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another HOST or PORT."
        ) from None
