"""What HAProxy says of the servers behind it, asked at the socket that only its user may open."""

import csv
import socket
from contextlib import suppress
from pathlib import Path

SOCKET = "RAY_SERVE_HAPROXY_SOCKET_PATH"


def wait_until_up(environment, application):
    """Wait until HAProxy sends requests to a replica of the application itself. The test's time-out ends it."""
    while not any(state == "UP" for name, state in servers(environment).items() if f"_{application}-" in name):
        pass


def servers(environment):
    """The state of each server by its name, as `UP` or `DOWN`. `environment`: of the Ray that runs HAProxy."""
    path = Path(environment[SOCKET])
    # Ray puts it into a folder of the node's. Those of nodes that are gone stay.
    answers = [_ask(found) for found in path.parent.glob(f"*/{path.name}")]
    (answer,) = (answer for answer in answers if answer)
    rows = csv.DictReader(answer.removeprefix("# ").splitlines())
    return {row["svname"]: row["status"] for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")}


def _ask(path):
    """What HAProxy answers; empty if it is gone."""
    with socket.socket(socket.AF_UNIX) as channel, suppress(ConnectionRefusedError):
        channel.connect(str(path))
        channel.sendall(b"show stat\n")
        return channel.makefile(encoding="utf-8").read()
    return ""
