"""What Ray starts as the Python of a run's worker: asks the node's fork server for one, and stands in for it.

Called as `fork_client.py <program> --raylet-name=<socket> …`. Only the standard library: it starts in 20 ms.
"""

import array
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

RAYLET_OPTION = "--raylet-name="
STANDARD_STREAMS = (0, 1, 2)


def main(arguments: Sequence[str]) -> int:
    try:
        server, worker = _forked(arguments)
    except OSError as error:
        print(f"no fork of a prepared Python ({error}): starting a fresh one", file=sys.stderr)
        os.execv(sys.executable, [sys.executable, *arguments])
    # Whoever ends this process means the worker: the server sees the connection close, and ends it.
    status = _line(server)
    if not status:  # the server ended, its workers go on
        select.select([worker], [], [])
    return int(status or 1)


def _forked(arguments: Sequence[str]) -> tuple[socket.socket, int]:
    """The connection to the server, and the worker as a pidfd. Raises OSError."""
    address = server_address(arguments)
    server = _connect(address)
    try:
        return server, os.pidfd_open(_ask(server, arguments))
    except ConnectionError:  # it was another job's, and ends
        server.close()
        server = _connect(address)
        return server, os.pidfd_open(_ask(server, arguments))


def _ask(server: socket.socket, arguments: Sequence[str]) -> int:
    """The process id of the worker. Raises OSError."""
    request = {
        "arguments": list(arguments),
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
    }
    streams = array.array("i", STANDARD_STREAMS).tobytes()
    server.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    server.sendall(json.dumps(request).encode() + b"\n")
    worker = _line(server)
    if not worker:
        raise ConnectionError("the fork server ended; its output is above")
    return int(worker)


def _line(server: socket.socket) -> bytes:
    """Up to the end of a line: two answers may arrive together. Empty when the server has ended."""
    line = b""
    while not line.endswith(b"\n"):
        byte = server.recv(1)
        if not byte:
            return b""
        line += byte
    return line


def server_address(arguments: Sequence[str]) -> str:
    """Beside the socket of the node's raylet, so that each node has one of its own."""
    names = [word.removeprefix(RAYLET_OPTION) for word in arguments if word.startswith(RAYLET_OPTION)]
    if not names:
        raise OSError(f"no {RAYLET_OPTION} in {arguments}")
    return f"{names[0]}.fork"


def _connect(address: str) -> socket.socket:
    try:
        return _open(address)
    except (FileNotFoundError, ConnectionRefusedError):
        pass
    with Path(f"{address}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:  # another worker may have been first
            return _open(address)
        except (FileNotFoundError, ConnectionRefusedError):
            _start(address)
            return _open(address)


def _open(address: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def _start(address: str) -> None:
    """Returns when the server listens; it goes on loading what workers need."""
    command = [sys.executable, "-m", "actors.runs.fork_server", address, str(os.getppid())]
    # Ray ends the process group of a worker with it, and the server is not this worker's alone.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=os.setpgrp)  # noqa: PLW1509
    assert process.stdout is not None
    if not process.stdout.readline():
        raise OSError(f"it ended with {process.wait()}")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the worker's
    sys.exit(main(sys.argv[1:]))
