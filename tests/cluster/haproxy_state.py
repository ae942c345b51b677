"""What HAProxy says of the servers behind it, asked at the socket that only its user may open."""

import csv
import socket
from pathlib import Path

SOCKET = "RAY_SERVE_HAPROXY_SOCKET_PATH"


def servers(environment):
    """The state of each server by its name, as `UP` or `DOWN`. `environment`: of the Ray that runs HAProxy."""
    path = Path(environment[SOCKET])
    # Ray puts it into a folder of the node's. Those of nodes that are gone stay.
    found = max(path.parent.glob(f"*/{path.name}"), key=lambda each: each.stat().st_mtime)
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(str(found))
        channel.sendall(b"show stat\n")
        answer = channel.makefile(encoding="utf-8").read()
    rows = csv.DictReader(answer.removeprefix("# ").splitlines())
    return {row["svname"]: row["status"] for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")}
