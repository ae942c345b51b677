"""Ports that are chosen now and used later."""

import random
import socket

from rfuav_ray.errors import RfuavError

#: Ray's workers listen below it; above it Linux takes the ports of outgoing connections
CHOSEN_FROM = range(20_000, 32_000)
TRIES = 100


def free_port(host: str = "127.0.0.1") -> int:
    """A free port of `host` that stays free until somebody asks for it by number.

    A port that the system chooses (`bind` to port 0) may be the local port of the next outgoing connection.
    """
    for port in random.sample(CHOSEN_FROM, TRIES):
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        return port
    raise OSError(f"None of {TRIES} ports of {host} is free ({CHOSEN_FROM.start} to {CHOSEN_FROM.stop - 1}).")


def check_free(host: str, port: int) -> None:
    """Raises RfuavError when a server could not listen there."""
    try:
        family = socket.getaddrinfo(host, port)[0][0]
        with socket.socket(family) as probe:
            # As servers do: connections that have just ended do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise RfuavError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another HOST or PORT."
        ) from None
