"""Gets a run's worker from the node's fork server, and waits for its end. Ray takes this process for the worker.

Ray calls it in place of Python, as `fork_client.py <socket of the server> <program> …`. It imports only the
standard library, so that it starts in 20 ms.
"""

import array
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence

STANDARD_STREAMS = (0, 1, 2)


def main(address: str, arguments: Sequence[str]) -> int:
    try:
        server, worker = _forked(address, arguments)
    except OSError as error:
        print(f"no worker from the fork server ({error}): starting a new Python", file=sys.stderr)
        os.execv(sys.executable, [sys.executable, *arguments])
    # A kill of this process is meant for the worker: the server sees the closed connection and kills the worker.
    status = _line(server)
    if not status and worker is not None:  # the server has ended, but its workers still run
        select.select([worker], [], [])
    return int(status or 1)


def _forked(address: str, arguments: Sequence[str]) -> tuple[socket.socket, int | None]:
    """Return the connection to the server, and a pidfd of the worker. Raises OSError."""
    server = _connect(address)
    try:
        return server, _pidfd(_ask(server, arguments))
    except ConnectionError:  # the server belonged to another job, and ends
        server.close()
        server = _connect(address)
        return server, _pidfd(_ask(server, arguments))


def _pidfd(worker: int) -> int | None:
    """A descriptor of the worker; None if it has already ended. A second worker would do its work again."""
    try:
        return os.pidfd_open(worker)
    except ProcessLookupError:
        return None


def _ask(server: socket.socket, arguments: Sequence[str]) -> int:
    """Request a worker, and return its process id. Raises OSError.

    The server reads the worker's environment and folder from this process.
    """
    streams = array.array("i", STANDARD_STREAMS).tobytes()
    server.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    server.sendall(json.dumps(list(arguments)).encode() + b"\n")
    worker = _line(server)
    if not worker:
        raise ConnectionError("the fork server ended; its output is above")
    return int(worker)


def _line(server: socket.socket) -> bytes:
    """Read exactly one line, because two answers may arrive together. It is empty when the server has ended."""
    line = b""
    while not line.endswith(b"\n"):
        byte = server.recv(1)
        if not byte:
            return b""
        line += byte
    return line


def _connect(address: str) -> socket.socket:
    try:
        return _open(address)
    except (FileNotFoundError, ConnectionRefusedError):
        pass
    # Others may write into Ray's folder on a cluster: a link must not lead to another file.
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(f"{address}.lock", flags, 0o600), "w") as lock:  # noqa: PTH123
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:  # another worker may have started it meanwhile
            return _open(address)
        except (FileNotFoundError, ConnectionRefusedError):
            _start(address)
            return _open(address)


def _open(address: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
        _check_user(connection, address)
    except OSError:
        connection.close()
        raise
    return connection


def _check_user(connection: socket.socket, address: str) -> None:
    """Raises PermissionError if another user listens there: it would get the arguments and the streams."""
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    if user != os.getuid():
        raise PermissionError(f"'{address}' belongs to the user {user}")


def _start(address: str) -> None:
    """Start the server. Returns when it listens; it then still loads the modules that workers need."""
    command = [sys.executable, "-m", "actors.runs.fork_server", address, str(os.getppid())]
    # Ray kills a worker together with its process group. The server must survive: it serves other workers too.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=os.setpgrp)  # noqa: PLW1509
    assert process.stdout is not None
    if not process.stdout.readline():
        raise OSError(f"the fork server ended with status {process.wait()}")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is meant for the worker
    sys.exit(main(sys.argv[1], sys.argv[2:]))
