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
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.objects.access import filesystem, persistently, why
from rfuav_ray.objects.copying import CHUNK_BYTES, SECONDS_BETWEEN_MESSAGES
from rfuav_ray.objects.listing import first_object
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
        self._written: list[str] = []
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
        mark = {"state": "unfinished", "run_id": self._run_id, "request": {}, "plan": "", "is_new": True}
        self._put_mark(mark | {"result": None})

    def upload(self, folder: Path, names: Sequence[str], last: Sequence[str] = ()) -> None:
        """Write files below `folder`, by their relative names; those in `last` when all others are there.

        Raises:
            RunError: A file cannot be written. Says why.
            Exception: Whatever `report` raises.
        """
        for name in names:
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
        mark = {"state": "complete", "run_id": self._run_id, "request": {}, "plan": "", "is_new": True}
        self._put_mark(mark | {"result": result})

    def discard(self, *, keep_mark: bool) -> None:
        """Delete what this run has written, as far as that is possible within a moment."""

        def delete(name: str) -> None:
            with suppress(OSError):
                filesystem().delete_file(f"{self.url.key}/{name}")

        deadline_s = time.monotonic() + DISCARD_S
        stopping = threading.Event()

        def meanwhile() -> None:
            if time.monotonic() > deadline_s:
                stopping.set()

        for_each(list(self._written), delete, stopping, meanwhile)
        # The mark stays while there is anything else.
        if time.monotonic() <= deadline_s and not keep_mark:
            delete(MARK)

    def _owner(self) -> str | None:
        place = f"{self.url.key}/{MARK}"
        with suppress(OSError, ValueError, AttributeError), filesystem().open_input_file(place) as file:
            return str(json.loads(file.read(MAX_MARK_BYTES)).get("run_id"))
        return None

    def _found(self) -> str | None:
        try:
            return first_object(self.url)
        except OSError as error:
            raise RunError(why(error, self.url)) from None

    def _put_mark(self, mark: Mapping[str, Any]) -> None:
        text = json.dumps(mark).encode()

        def put() -> None:
            with filesystem().open_output_stream(f"{self.url.key}/{MARK}") as target:
                target.write(text)

        waiting_for(lambda: persistently(put, self.url, threading.Event()), self._report)

    def _put_file(self, file: Path, name: str, stopping: threading.Event) -> None:
        url = ObjectUrl(f"{self.url.key}/{name}")
        self._written.append(name)

        def put() -> None:
            with open_file(file) as source, filesystem().open_output_stream(url.key) as target:
                # pyarrow cannot give an object up: when the run stops, a cut one is there until it is discarded.
                while not stopping.is_set() and (chunk := source.read(CHUNK_BYTES)):
                    target.write(chunk)

        persistently(put, url, stopping)
        self._finished.append(name)
