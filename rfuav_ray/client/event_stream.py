"""Parser of a task's log stream (server-sent events) that resumes after a broken connection. Does no I/O."""

import json
from collections.abc import Sequence
from typing import Any

from rfuav_ray.client.service_errors import is_transient
from rfuav_ray.errors import RfuavError

#: delay before each retry, about a minute in total; a service needs about 30 s to restart
RETRY_DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0)
#: a connection without data for three heartbeats of the service counts as broken
SILENCE_S = 45.0


class StreamBroken(RfuavError):
    """The connection ended before the last event of the stream."""


class EventStream:
    """Parses the data of one or more successive connections. Returns each log entry exactly once."""

    def __init__(self, after: int | None, retry_delays_s: Sequence[float]) -> None:
        """Start after the event number `after`, or with the first event if it is None."""
        self.is_over = False
        self._last_sequence = after
        self._retry_delays_s = retry_delays_s
        self._retries = 0
        self._was_open = False
        #: bytes of an incomplete line
        self._rest = b""
        self._begin_connection()

    def request_headers(self) -> dict[str, str]:
        headers = {"Accept": "text/event-stream"}
        if self._last_sequence is not None:
            headers["Last-Event-ID"] = str(self._last_sequence)
        return headers

    def opened(self) -> None:
        """Call it when the service has accepted a connection."""
        self._was_open = True
        self._begin_connection()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Parse received bytes and return the log entries that they complete."""
        # Not str.splitlines: it also splits at U+2028 and similar characters, which JSON text may hold.
        *lines, self._rest = (self._rest + data).split(b"\n")
        entries = []
        for line in lines:
            entry = self._read_line(line.rstrip(b"\r"))
            if entry is not None:
                entries.append(entry)
                self._retries = 0
                if entry.get("stage") == "completed" and "status" in entry:
                    self.is_over = True
                    break
        return entries

    def closed(self) -> None:
        """Call it when the service has closed the connection. Raises StreamBroken before the last event."""
        if not self.is_over:
            raise StreamBroken("The service closed the log stream before its last entry.")

    def retry_delay_s(self, problem: RfuavError) -> float:
        """Return the delay before the next attempt to connect, in seconds.

        Raises `problem` instead when no connection was ever accepted, when the problem is permanent, or when all
        retries are used up.
        """
        if not (self._was_open and is_transient(problem)) or self._retries >= len(self._retry_delays_s):
            raise problem
        self._retries += 1
        return self._retry_delays_s[self._retries - 1]

    def _begin_connection(self) -> None:
        self._rest = b""
        self._sequence: int | None = None
        self._data: list[bytes] = []
        self._heartbeats = 0

    def _read_line(self, line: bytes) -> dict[str, Any] | None:
        if not line:
            return self._end_event()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"id" and value.isdigit():
            self._sequence = int(value)
        elif not name:  # a comment
            self._heartbeats += 1
            if self._heartbeats > 1:  # the connection has lasted for a while: a later break is a new problem
                self._retries = 0
        return None

    def _end_event(self) -> dict[str, Any] | None:
        # An event counts only when it is complete: a broken connection may have delivered only a part.
        sequence, data = self._sequence, b"\n".join(self._data)
        self._sequence, self._data = None, []
        if not data:
            return None
        if sequence is not None:
            if self._last_sequence is not None and sequence <= self._last_sequence:
                return None
            self._last_sequence = sequence
        try:
            entry = json.loads(data)
        except ValueError:
            raise RfuavError(f"The log stream contains data that is not JSON: {data[:80]!r}") from None
        if not isinstance(entry, dict):
            raise RfuavError(f"The log stream contains data that is not a log entry: {data[:80]!r}")
        return entry
