"""Is the API there? Threads that ask it all the time, and for how long they were refused."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle

import httpx2

TIMEOUT_S = 5
READ_EVERY_S, WRITE_EVERY_S = 0.1, 0.2


@dataclass(frozen=True)
class Call:
    started_s: float
    ended_s: float
    is_answered: bool


class Probe(threading.Thread):
    """Repeats one call; only an answer that makes sense is one: no 5xx, and no 404 of a task that exists."""

    def __init__(self, call: Callable[[httpx2.Client], httpx2.Response], every_s: float) -> None:
        super().__init__(daemon=True)
        self.calls: list[Call] = []
        self._new_call = threading.Condition()
        self._call = call
        self._every_s = every_s
        self._is_over = threading.Event()

    def run(self) -> None:
        with httpx2.Client(timeout=TIMEOUT_S) as client:
            while not self._is_over.wait(self._every_s):
                started_s = time.monotonic()
                try:
                    is_answered = self._call(client).status_code in {200, 409}
                except httpx2.HTTPError:
                    is_answered = False
                with self._new_call:
                    self.calls.append(Call(started_s, time.monotonic(), is_answered))
                    self._new_call.notify_all()

    def wait_for(self, count: int) -> None:
        """Wait for so many calls more, answered or not."""
        with self._new_call:
            wanted = len(self.calls) + count
            assert self._new_call.wait_for(lambda: len(self.calls) >= wanted, count * (TIMEOUT_S + 1))

    def stop(self) -> None:
        self._is_over.set()
        self.join()


class Probes:
    def __init__(self, url: str, read_id: str, waiting_id: str) -> None:
        """`waiting_id` is a task that waits all the time; a write moves it in the queue, to where it is."""
        tasks = f"{url}/api/v2/tasks"
        read, priorities = cycle((f"{tasks}/{read_id}", f"{tasks}?limit=10")), cycle((9, 10))
        self._reads = Probe(lambda client: client.get(next(read)), READ_EVERY_S)
        self._writes = Probe(
            lambda client: client.post(f"{tasks}/{waiting_id}/priority", json={"priority": next(priorities)}),
            WRITE_EVERY_S,
        )

    def __enter__(self) -> "Probes":
        self._reads.start()
        self._writes.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._reads.stop()
        self._writes.stop()

    def wait_for_reads(self, count: int) -> None:
        self._reads.wait_for(count)

    def reads_failed_s(self, from_s: float, to_s: float) -> float:
        return longest_failure_s(self._reads.calls, from_s, to_s)

    def writes_failed_s(self, from_s: float, to_s: float) -> float:
        return longest_failure_s(self._writes.calls, from_s, to_s)

    def slowest_read_s(self, from_s: float, to_s: float) -> float:
        answered = (call for call in _between(self._reads.calls, from_s, to_s) if call.is_answered)
        return max((call.ended_s - call.started_s for call in answered), default=0.0)


def longest_failure_s(calls: list[Call], from_s: float, to_s: float) -> float:
    """The longest time from a call that failed to the next one that did not."""
    longest_s, failing_since_s = 0.0, None
    for call in _between(calls, from_s, to_s):
        if failing_since_s is None and not call.is_answered:
            failing_since_s = max(call.started_s, from_s)
        if failing_since_s is not None:
            longest_s = max(longest_s, call.ended_s - failing_since_s)
            failing_since_s = None if call.is_answered else failing_since_s
    return longest_s


def _between(calls: list[Call], from_s: float, to_s: float) -> list[Call]:
    return [call for call in list(calls) if call.ended_s > from_s and call.started_s < to_s]
