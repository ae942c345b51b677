"""Clients that keep to a task's event stream through every death, and what the stored log says beside them."""

import json
import threading
from collections.abc import Iterable
from typing import Any

import httpx2

from tests.support.service_process import ServiceProcess
from tests.support.task_queries import ask

RECONNECT_S = 0.5
#: the service sends a sign of life every 15 s
SILENCE_S = 40
LAST_EVENT_WITHIN_S = 60
PAGE = 1000

#: sequence number and entry
Event = tuple[int, dict[str, Any]]


class Follower(threading.Thread):
    """Reads one task's stream from its beginning to its last event, going on by Last-Event-ID after an error."""

    def __init__(self, url: str, task_id: str) -> None:
        super().__init__(daemon=True)
        self.seen: list[Event] = []
        self._url = f"{url}/api/v2/tasks/{task_id}/logs"
        # One for all connections: making it costs more than a request.
        self._client = httpx2.Client(timeout=SILENCE_S)
        self._is_over = threading.Event()

    def run(self) -> None:
        with self._client:
            while not self._is_over.is_set() and not self._read_to_the_end():
                self._is_over.wait(RECONNECT_S)

    def stop(self) -> None:
        """To the thread, which may be waiting for an event; it ends with the next line or silence."""
        self._is_over.set()

    def _read_to_the_end(self) -> bool:
        headers = {"Accept": "text/event-stream"}
        if self.seen:
            headers["Last-Event-ID"] = str(self.seen[-1][0])
        number = 0
        try:
            with self._client.stream("GET", self._url, headers=headers) as answer:
                for line in answer.iter_lines():
                    if self._is_over.is_set():
                        return False
                    if answer.status_code == 200 and line.startswith("id: "):
                        number = int(line[4:])
                    elif answer.status_code == 200 and line.startswith("data: "):
                        self.seen.append((number, json.loads(line[6:])))
                        if is_last(self.seen[-1][1]):
                            return True
        except (httpx2.HTTPError, ValueError):
            return False
        return answer.status_code == 204


class Followers:
    """A context manager; no follower goes on when the block has ended."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._by_id: dict[str, Follower] = {}

    def follow(self, task_ids: Iterable[str]) -> None:
        """Each from its beginning; nothing happens to those that are followed."""
        for task_id in task_ids:
            if task_id not in self._by_id:
                self._by_id[task_id] = Follower(self._url, task_id)
                self._by_id[task_id].start()

    def seen(self) -> dict[str, list[Event]]:
        """What was received so far, by task."""
        return {task_id: list(follower.seen) for task_id, follower in self._by_id.items()}

    def wait(self, task_ids: Iterable[str]) -> None:
        """For the last events of these."""
        for task_id in task_ids:
            self._by_id[task_id].join(LAST_EVENT_WITHIN_S)

    def __enter__(self) -> "Followers":
        return self

    def __exit__(self, *_: object) -> None:
        for follower in self._by_id.values():
            follower.stop()


def is_last(entry: dict[str, Any]) -> bool:
    return entry.get("stage") == "completed" and "status" in entry


def stored_log(service: ServiceProcess, task_id: str) -> list[Event]:
    """The log page by page; entry n has the number n. Empty when there is no such task."""
    entries: list[dict[str, Any]] = []
    while page := ask(service, f"tasks/{task_id}/logs", after=len(entries), limit=PAGE):
        entries += page
    return list(enumerate(entries, start=1))


def changed(before: list[Event], after: list[Event]) -> int:
    """How many events of `before` are no longer there as they were."""
    return sum(1 for index, event in enumerate(before) if index >= len(after) or after[index] != event)
