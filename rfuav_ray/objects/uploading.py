"""Writes the files of a run as objects below one prefix, which looks unfinished until the last of them is there.

The first object is `.rfuav-run/run.json` with the state "unfinished": readers refuse such a data set. The last one
replaces it.
"""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.objects.access import filesystem, persistently
from rfuav_ray.objects.copying import CHUNK_BYTES, SECONDS_BETWEEN_MESSAGES
from rfuav_ray.objects.listing import Listed, first_object, listed
from rfuav_ray.objects.parallel import for_each, waiting_for
from rfuav_ray.objects.urls import MAX_KEY_BYTES, ObjectUrl
from rfuav_ray.outputs.manifest import RUN_FILE, RUN_FOLDER

MARK = f"{RUN_FOLDER}/{RUN_FILE}"
MAX_MARK_BYTES = 1_000_000
#: of the storage, while a run that has failed tidies up
DISCARD_S = 5.0


class Destination:
    """A prefix that a run writes.

    Args:
        url: The prefix.
        run_id: The task's id. A later run of the task goes on.
        report: Receives the progress. It may raise to stop.
    """

    def __init__(self, url: ObjectUrl, run_id: str, report: Report) -> None:
        self.url, self._run_id, self._report = url, run_id, report
        self._is_first = True
        self._written: list[str] = []
        #: what is being written: it may still come into being when nobody waits for it any more
        self._in_flight: set[str] = set()
        self._finished: list[str] = []

    def begin(self, *, is_first: bool) -> None:
        """Mark the prefix as unfinished.

        Args:
            is_first: Whether this is the first run of the task. Then all objects belong to another one.

        Raises:
            RunError: There are objects of others, or nothing can be written.
        """
        owner = waiting_for(self._owner, self._report)
        if (is_first or owner != self._run_id) and (found := waiting_for(self._found, self._report)):
            whose = f", of the task '{owner}'" if owner else ""
            raise RunError(
                f"'{self.url}' holds objects already ('{found}', …{whose}). Delete them, or name another prefix."
            )
        self._is_first = is_first
        self._put_mark("unfinished", None)

    def upload(self, folder: Path, names: Sequence[str], last: Sequence[str] = ()) -> None:
        """Write files below `folder`, by their relative names; those in `last` when all others are there.

        Raises:
            RunError: A file cannot be written. Says why.
            Exception: Whatever `report` raises.
        """
        for name in names:
            if not _is_utf8(name):
                raise RunError(
                    f"'{clean(name)}' is not UTF-8, and keys are: it cannot be written to '{self.url}'."
                )
            if len(f"{self.url.key}/{name}".partition("/")[2].encode("utf-8", "surrogateescape")) > MAX_KEY_BYTES:
                raise RunError(f"'{name}' in '{self.url}' is longer than the {MAX_KEY_BYTES} bytes of a key.")
        self._finished, told_s = [], time.monotonic()
        stopping = threading.Event()

        def meanwhile() -> None:
            nonlocal told_s
            is_due = time.monotonic() - told_s >= SECONDS_BETWEEN_MESSAGES
            told_s = time.monotonic() if is_due else told_s
            message = f"'{self.url}': wrote {len(self._finished)} of {len(names)} objects."
            self._report(RunEvent(message=message if is_due else ""))

        for wave in ([name for name in names if name not in last], last):
            stopping.clear()
            for_each(wave, lambda name: self._put_file(folder / name, name, stopping), stopping, meanwhile)
        self._report(RunEvent(message=f"'{self.url}': wrote {len(self._finished)} objects."))

    def complete(self, result: Mapping[str, Any] | None) -> None:
        """Mark the prefix as whole. Raises RunError."""
        if not self._is_first:
            self._delete_others()
        self._put_mark("complete", result)

    def discard(self, *, keep_mark: bool) -> int:
        """Delete what this run has written, as far as that is possible within a moment.

        Returns:
            How many objects are, or may be, left. Then the prefix stays marked as unfinished.
        """
        left = set(self._written)
        # Those may come into being after they are deleted.
        hanging = set(self._in_flight)

        def delete(name: str) -> None:
            with suppress(OSError):
                with suppress(FileNotFoundError):
                    filesystem().delete_file(f"{self.url.key}/{name}")
                left.discard(name)

        deadline_s = time.monotonic() + DISCARD_S
        stopping = threading.Event()

        def meanwhile() -> None:
            if time.monotonic() > deadline_s:
                stopping.set()

        for_each(list(self._written), delete, stopping, meanwhile)
        left |= hanging
        if not left and not keep_mark:
            delete(MARK)
        return len(left)

    def _delete_others(self) -> None:
        """Delete what an earlier run of the task has written, and this one has not."""
        own = {*self._finished, MARK}
        others = [one for one in listed(self.url, self._report) if one.name not in own]

        def delete(one: Listed) -> None:
            with suppress(FileNotFoundError):
                persistently(lambda: filesystem().delete_file(one.url.key), one.url, stopping)

        stopping = threading.Event()
        for_each(others, delete, stopping, lambda: self._report(RunEvent()))

    def _owner(self) -> str | None:
        def read() -> bytes:
            with filesystem().open_input_file(f"{self.url.key}/{MARK}") as file:
                return bytes(file.read(MAX_MARK_BYTES))

        with suppress(FileNotFoundError, ValueError, AttributeError):
            return str(json.loads(persistently(read, self.url, threading.Event())).get("run_id"))
        return None

    def _found(self) -> str | None:
        return persistently(lambda: first_object(self.url), self.url, threading.Event())

    def _put_mark(self, state: str, result: Mapping[str, Any] | None) -> None:
        mark = {
            "state": state,
            "run_id": self._run_id,
            "request": {},
            "plan": "",
            "is_new": True,
            "result": result,
        }
        text = json.dumps(mark).encode()

        def put() -> None:
            with filesystem().open_output_stream(f"{self.url.key}/{MARK}") as target:
                target.write(text)

        waiting_for(lambda: persistently(put, self.url, threading.Event()), self._report)

    def _put_file(self, file: Path, name: str, stopping: threading.Event) -> None:
        url = ObjectUrl(f"{self.url.key}/{name}")
        self._written.append(name)
        self._in_flight.add(name)

        def put() -> None:
            with open_file(file) as source, filesystem().open_output_stream(url.key) as target:
                # pyarrow cannot give an object up: when the run stops, a cut one is there until it is discarded.
                while not stopping.is_set() and (chunk := source.read(CHUNK_BYTES)):
                    target.write(chunk)

        try:
            persistently(put, url, stopping)
        finally:
            self._in_flight.discard(name)
        self._finished.append(name)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
