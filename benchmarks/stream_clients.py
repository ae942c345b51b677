"""Any number of clients of one event stream, all read by one thread. Does not know what the events mean."""

import json
import selectors
import socket
import time
from array import array
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from types import TracebackType

CONNECT_WITHIN_S = 30.0
LOOK_EVERY_S = 0.2
RECEIVED_AT_ONCE = 65536


class StreamError(Exception):
    """The service rejected a client, or the streams did not reach the expected state in time."""


class StreamClients:
    """Context manager that closes the connections at the end.

    Events need sequence numbers from 1 as `id`, and a `timestamp` (ISO 8601) in their JSON.
    """

    def __init__(self, address: tuple[str, int], path: str, count: int) -> None:
        #: milliseconds from the timestamp of an event to its arrival, for each client and event
        self.delays_ms = array("d")
        self.doubled = 0
        #: seconds since the Unix epoch; events with earlier timestamps do not count in `delays_ms`
        self.live_from_s = 0.0
        self._selector = selectors.DefaultSelector()
        self._clients = [_Client(address, path) for _ in range(count)]
        for client in self._clients:
            self._selector.register(client.socket, selectors.EVENT_READ, client)

    def lost(self, written: int) -> int:
        """Count the missing events of all clients. Expects `written` events, or more if a client received more."""
        last = max(written, *(client.last_number for client in self._clients))
        return sum(last - client.received for client in self._clients)

    def have_begun(self) -> bool:
        return all(client.received for client in self._clients)

    def have_ended(self) -> bool:
        return not self._selector.get_map()

    def read_until(self, is_done: Callable[[], bool], within_s: float) -> None:
        """Read all clients until `is_done`. Raises StreamError after `within_s` seconds."""
        deadline_s = time.monotonic() + within_s
        while not is_done():
            if time.monotonic() > deadline_s:
                raise StreamError(f"the streams did not finish within {within_s:.0f} s")
            for key, _ in self._selector.select(LOOK_EVERY_S):
                self._read(key.data)

    def _read(self, client: "_Client") -> None:
        part = client.socket.recv(RECEIVED_AT_ONCE)
        now_s = time.time()
        if not part:
            self._selector.unregister(client.socket)
        for number, entry in client.events(part):
            if number <= client.last_number:
                self.doubled += 1
                continue
            client.last_number = number
            client.received += 1
            written_s = _timestamp_s(entry)
            if written_s >= self.live_from_s:
                self.delays_ms.append(1000 * (now_s - written_s))

    def __enter__(self) -> "StreamClients":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            client.socket.close()
        self._selector.close()


class _Client:
    def __init__(self, address: tuple[str, int], path: str) -> None:
        self.last_number = 0
        self.received = 0
        self._waiting = b""
        self._is_accepted = False
        self.socket = socket.create_connection(address, timeout=CONNECT_WITHIN_S)
        # HTTP/1.0 has no chunked encoding, so the bytes after the header are the stream itself.
        host = f"{address[0]}:{address[1]}"
        self.socket.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n".encode())
        self.socket.setblocking(False)

    def events(self, part: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the sequence number and the JSON of each event that this part completes."""
        self._waiting += part
        if not self._is_accepted:
            head, end, rest = self._waiting.partition(b"\r\n\r\n")
            if not end:
                return
            if head.split(b" ", 2)[1] != b"200":
                raise StreamError(self._waiting.decode(errors="replace"))
            self._is_accepted, self._waiting = True, rest
        *complete, self._waiting = self._waiting.split(b"\n\n")
        for event in complete:
            fields = dict(line.partition(b": ")[::2] for line in event.split(b"\n"))
            if b"data" in fields:  # otherwise a heartbeat comment
                yield int(fields[b"id"]), fields[b"data"]


@lru_cache(maxsize=1000)
def _timestamp_s(entry: bytes) -> float:
    """Parse the timestamp. Cached, because all clients receive the same bytes."""
    return datetime.fromisoformat(json.loads(entry)["timestamp"]).timestamp()
