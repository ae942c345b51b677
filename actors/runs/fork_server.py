"""A process that has loaded what runs need, PyTorch above all, and becomes their workers by forking.

Ray starts a Python for each worker, and loading PyTorch, torchvision and scikit-learn takes five seconds of a
processor. A fork of this process has them at once, and shares their memory. Each node has one: it starts with the
first worker that needs it, ends with the node's raylet, and computes nothing: threads would not survive the fork.
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
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NICENESS = "RAY_worker_niceness"
#: which job of Ray a process belongs to
JOB = "RAY_JOB_ID"
MODULES = ("actors.runs.runner", "rfuav_ray.training.run", "rfuav_ray.inference.run")
BACKLOG = 1024
STREAMS = 3


@dataclass
class Request:
    arguments: list[str]
    folder: str
    environment: dict[str, str]


class OtherJob(Exception):
    """Raised by a request for a worker of another job than the server's."""


class ForkServer:
    def __init__(self, listener: socket.socket, raylet: int) -> None:
        """`raylet`: a pidfd of the process with which it ends."""
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._clients: dict[int, socket.socket] = {}
        self._raylet = raylet
        # A child's end wakes the selector.
        self._wake, wake = socket.socketpair()
        wake.setblocking(False)
        self._waker = wake
        signal.set_wakeup_fd(wake.fileno())
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for source in (listener, self._raylet, self._wake):
            self._selector.register(source, selectors.EVENT_READ)

    def serve(self) -> tuple[Request, list[int]] | None:
        """Returns None when the raylet has ended, and in each child what it has to become, with its streams."""
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
            # Ray's library has read it when it was loaded here: Ray ends a fork that names a job that is over.
            self._listener.close()  # first: the client then starts a server of its own job
            _close(client, streams)
            raise OtherJob
        try:
            child = os.fork()
        except OSError as error:  # its client then starts a Python of its own
            print(f"no worker can be forked: {error}", file=sys.stderr)
            _close(client, streams)
            return None
        if child == 0:
            self._forget(client)
            return request, streams
        _close(None, streams)
        with suppress(OSError):  # if it has left, that is seen next
            client.sendall(b"%d\n" % child)
        self._clients[child] = client
        self._selector.register(client, selectors.EVENT_READ, child)
        return None

    def _forget(self, client: socket.socket) -> None:
        """In the child: nothing of the server's may stay open."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for connection in (client, self._listener, self._wake, self._waker, *self._clients.values()):
            connection.close()
        os.close(self._raylet)
        self._selector.close()

    def _client_left(self, child: int) -> None:
        client = self._clients.get(child)
        if client is None:  # its worker ended at the same moment
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
            with suppress(KeyError):  # it has left
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
    client.settimeout(10)
    _, ancillary, _, _ = client.recvmsg(1, socket.CMSG_LEN(STREAMS * array.array("i").itemsize))
    streams = array.array("i")
    for _level, _kind, content in ancillary:
        streams.frombytes(content)
    if len(streams) != STREAMS:
        raise ValueError("it came without its streams")
    with client.makefile("rb") as file:
        fields: dict[str, Any] = json.loads(file.readline())
    client.settimeout(None)
    return Request(**fields), list(streams)


def become(request: Request, streams: Sequence[int]) -> None:
    """Run the worker's program as a fresh Python would."""
    os.setpgid(0, 0)  # as Ray's workers have
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    os.environ[NICENESS] = "0"  # Ray adds it to what the process has
    program, *_ = sys.argv = request.arguments
    sys.path[0] = str(Path(program).parent)
    sys.path[1:1] = [path for path in request.environment.get("PYTHONPATH", "").split(":") if path]
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # else all have the same
    runpy.run_path(program, run_name="__main__")


def main(address: str, raylet: int) -> None:
    with suppress(FileNotFoundError):
        Path(address).unlink()
    watched = os.pidfd_open(raylet)  # where the system has no such thing, this ends it: Ray starts workers then
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    Path(address).chmod(0o600)
    listener.listen(BACKLOG)
    print("listening", flush=True)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(int(os.environ.get(NICENESS, "0")))  # as its workers have it
    for module in MODULES:
        importlib.import_module(module)
    gc.freeze()  # a collection would write into every page that is shared
    server = ForkServer(listener, watched)
    asked = server.serve()
    if asked:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        become(*asked)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
