"""HTTP/1.1 load generator in one process. Each connection sends the next request when it has the answer.

`python benchmarks/load_generator.py http://127.0.0.1:8000/ --connections 16 --seconds 5` prints the results as
JSON; `measure` returns them to a program. It needs only the standard library and knows nothing of the service.
Answers must have a Content-Length.
"""

import argparse
import json
import re
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

WARM_UP_S = 0.5
SILENCE_S = 30.0
RECEIVED_AT_ONCE = 65536
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class LoadError(Exception):
    """The server rejected a request, or did not answer."""


@dataclass(frozen=True)
class Load:
    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    #: answers outside 2xx, by status
    errors: dict[str, int]


def measure(
    url: str, *, connections: int = 16, seconds: float = 5, method: str = "GET", body: str | None = None
) -> Load:
    """Run the load in a separate process. Raises LoadError unless every answer is a success (2xx)."""
    command = [sys.executable, __file__, url, "--connections", str(connections), "--seconds", str(seconds)]
    command += ["--method", method, *([] if body is None else ["--body", body])]
    timeout_s = seconds + 2 * SILENCE_S
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode != 0:
        raise LoadError(done.stderr.strip())
    load = Load(**json.loads(done.stdout))
    if load.errors:
        raise LoadError(f"{method} {url}: {load.requests} answers, of which these failed: {load.errors}")
    return load


class _Connection:
    def __init__(self, address: tuple[str, int], request: bytes) -> None:
        self.socket = socket.create_connection(address, timeout=SILENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._request = request
        self._received = b""
        self._asked_s = 0.0

    def ask(self) -> None:
        self._asked_s = time.perf_counter()
        # This does not block: the request fits into the socket's buffer, which is empty.
        self.socket.sendall(self._request)

    def receive(self) -> tuple[int, float] | None:
        """Return the status of the answer and its latency in seconds. None while the answer is incomplete."""
        part = self.socket.recv(RECEIVED_AT_ONCE)
        if not part:
            raise LoadError("The server closed a connection.")
        self._received += part
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return None
        length = _LENGTH.search(head)
        if length is None:
            raise LoadError(f"An answer has no Content-Length: {head.decode(errors='replace')}")
        if len(body) < int(length[1]):
            return None
        self._received = b""
        return int(head.split(b" ", 2)[1]), time.perf_counter() - self._asked_s


def run(url: str, *, connections: int, seconds: float, method: str, body: str | None) -> Load:
    """Run the load in this process. Raises LoadError when the server does not answer."""
    parts = urlsplit(url)
    request = _request(url, method, body)
    statuses: Counter[int] = Counter()
    times_s: list[float] = []
    with ExitStack() as opened, selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = _Connection((parts.hostname or "", parts.port or 80), request)
            opened.enter_context(connection.socket)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask()
        now_s = time.perf_counter()
        counted_from_s = now_s + WARM_UP_S
        waiting = connections
        while waiting:
            ready = selector.select(SILENCE_S)
            if not ready:
                raise LoadError(f"{waiting} requests have no answer after {SILENCE_S:.0f} s.")
            for key, _ in ready:
                answer = key.data.receive()
                if answer is None:
                    continue
                now_s = time.perf_counter()
                if now_s >= counted_from_s:
                    statuses[answer[0]] += 1
                    times_s.append(answer[1])
                # Wait for the last answers too. Otherwise the slowest ones would be left out.
                if now_s < counted_from_s + seconds:
                    key.data.ask()
                else:
                    waiting -= 1
    return _load(times_s, statuses, now_s - counted_from_s)


def _request(url: str, method: str, body: str | None) -> bytes:
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    content = b"" if body is None else body.encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}"]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode() + content


def _load(times_s: list[float], statuses: Counter[int], seconds: float) -> Load:
    if len(times_s) < 2:
        raise LoadError("No answers after the warm-up: increase --seconds.")
    percentiles = statistics.quantiles(times_s, n=100)
    errors = {str(status): count for status, count in statuses.items() if not 200 <= status < 300}
    return Load(len(times_s), len(times_s) / seconds, 1000 * percentiles[49], 1000 * percentiles[98], errors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--method", default="GET")
    parser.add_argument("--body", help="JSON")
    try:
        print(json.dumps(asdict(run(**vars(parser.parse_args())))))
    except (LoadError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
