"""The fork server: it has loaded the modules that runs need, such as PyTorch, and forks their workers.

Ray starts a new Python for each worker. Loading PyTorch, torchvision and scikit-learn there takes five seconds of
CPU time. A fork of this process has them at once, and shares their memory. Each node has one server. It starts
with the first worker that needs it, and ends with the node's raylet. It computes nothing, because threads would
not survive the fork.

It serves its own user alone. The worker's environment may hold secrets and is never sent: the kernel says which
process asks, and the server reads that process's environment.
"""

import array
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from actors.ray_internals.variables import JOB, WORKER_NICENESS

MODULES = ("actors.runs.runner", "rfuav_ray.training.run", "rfuav_ray.inference.run")
BACKLOG = 1024
STREAMS = 3


@dataclass
class Request:
    arguments: list[str]
    folder: str
    environment: dict[str, str]


class OtherJob(Exception):
    """A worker was requested for another Ray job than the server's."""


class ForkServer:
    def __init__(self, listener: socket.socket, raylet: int) -> None:
        """Register the sources of events.

        Args:
            listener: The socket that clients connect to.
            raylet: A pidfd of the node's raylet. The server ends when the raylet ends.
        """
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._clients: dict[int, socket.socket] = {}
        self._raylet = raylet
        # The end of a child wakes the selector.
        self._wake, wake = socket.socketpair()
        wake.setblocking(False)
        self._waker = wake
        signal.set_wakeup_fd(wake.fileno())
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for source in (listener, self._raylet, self._wake):
            self._selector.register(source, selectors.EVENT_READ)

    def serve(self) -> tuple[Request, list[int]] | None:
        """Fork a worker for each client.

        Returns:
            In the server: None, when the raylet has ended or a client wants a worker of another job.
            In each child: its request and its standard streams.
        """
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._raylet:
                    return None
                if key.fileobj is self._wake:
                    self._wake.recv(1024)
                    self._reap()
                elif key.fileobj is self._listener:
                    try:
                        asked = self._fork()
                    except OtherJob:
                        return None
                    if asked:
                        return asked
                else:
                    self._client_left(key.data)

    def _fork(self) -> tuple[Request, list[int]] | None:
        client, _ = self._listener.accept()
        try:
            request, streams = _receive(client)
        except (OSError, ValueError, TypeError) as error:
            print(f"a worker's request cannot be read: {error}", file=sys.stderr)
            client.close()
            return None
        if request.environment.get(JOB) != os.environ.get(JOB):
            # Ray's library read the job when it was loaded here. Ray kills forks that name a job that has ended.
            self._listener.close()  # before the client, so that the client starts a server of its own job
            _close(client, streams)
            raise OtherJob
        try:
            child = os.fork()
        except OSError as error:  # the client then starts a fresh Python
            print(f"no worker can be forked: {error}", file=sys.stderr)
            _close(client, streams)
            return None
        if child == 0:
            self._forget(client)
            return request, streams
        _close(None, streams)
        with suppress(OSError):  # the selector reports a client that has left
            client.sendall(b"%d\n" % child)
        self._clients[child] = client
        self._selector.register(client, selectors.EVENT_READ, child)
        return None

    def _forget(self, client: socket.socket) -> None:
        """Close everything that belongs to the server, in a child."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for connection in (client, self._listener, self._wake, self._waker, *self._clients.values()):
            connection.close()
        os.close(self._raylet)
        self._selector.close()

    def _client_left(self, child: int) -> None:
        client = self._clients.get(child)
        if client is None:  # its worker ended at the same time
            return
        with suppress(KeyError):
            self._selector.unregister(client)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)

    def _reap(self) -> None:
        while self._clients:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            client = self._clients.pop(child)
            with suppress(KeyError):  # the client has left
                self._selector.unregister(client)
            with suppress(OSError):
                client.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
            client.close()


def _close(client: socket.socket | None, streams: Sequence[int]) -> None:
    for stream in streams:
        os.close(stream)
    if client is not None:
        client.close()


def _receive(client: socket.socket) -> tuple[Request, list[int]]:
    """Read a client's request. Raises OSError and ValueError."""
    process = _process_of(client)
    client.settimeout(10)
    _, ancillary, _, _ = client.recvmsg(1, socket.CMSG_LEN(STREAMS * array.array("i").itemsize))
    streams = array.array("i")
    for _level, _kind, content in ancillary:
        streams.frombytes(content)
    if len(streams) != STREAMS:
        raise ValueError("the standard streams are missing")
    with client.makefile("rb") as file:
        arguments = json.loads(file.readline())
    client.settimeout(None)
    pairs = (process / "environ").read_bytes().split(b"\0")
    environment = dict(os.fsdecode(pair).split("=", 1) for pair in pairs if b"=" in pair)
    return Request(
        [str(argument) for argument in arguments], str((process / "cwd").readlink()), environment
    ), list(streams)


def _process_of(client: socket.socket) -> Path:
    """The folder in /proc of the process that has connected. Raises PermissionError if it is another user's."""
    size = struct.calcsize("3i")
    process, user, _group = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    if user != os.getuid():
        raise PermissionError(f"it comes from the user {user}")
    return Path("/proc", str(process))


def run_worker(request: Request, streams: Sequence[int]) -> None:
    """Run the worker's program in this process, as a fresh Python would.

    Args:
        request: The program's arguments, working folder and environment.
        streams: File descriptors that become its standard streams.
    """
    os.setpgid(0, 0)  # like every worker of Ray
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    os.environ[WORKER_NICENESS] = "0"  # Ray would add it to the niceness that the process already has
    program, *_ = sys.argv = request.arguments
    sys.path[0] = str(Path(program).parent)
    sys.path[1:1] = [path for path in request.environment.get("PYTHONPATH", "").split(":") if path]
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # else all workers have the same random numbers
    runpy.run_path(program, run_name="__main__")


def main(address: str, raylet: int) -> None:
    with suppress(FileNotFoundError):
        Path(address).unlink()
    watched = os.pidfd_open(raylet)  # fails without pidfds: clients then start a fresh Python
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)  # nobody else may connect, not even before a chmod
    listener.bind(address)
    os.umask(before)
    listener.listen(BACKLOG)
    print("listening", flush=True)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(int(os.environ.get(WORKER_NICENESS, "0")))  # the workers inherit it
    for module in MODULES:
        importlib.import_module(module)
    gc.freeze()  # a collection would write into every shared page, and so copy it
    server = ForkServer(listener, watched)
    asked = server.serve()
    if asked:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        run_worker(*asked)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
