"""Copies objects into the cache, some at a time. An object that changes meanwhile is copied again."""

import errno
import os
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.objects.access import filesystem, is_passing, why
from rfuav_ray.objects.cache import ObjectCache, Tree
from rfuav_ray.objects.listing import REPORT_EVERY_S, Listed, look
from rfuav_ray.wording import some

#: most of the time of an object is latency
THREADS = 16
CHUNK_BYTES = 4 * 2**20
#: pauses before the tries after the first one
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
SECONDS_BETWEEN_MESSAGES = 10.0
#: services state whole seconds and have other clocks: within this time a change may not show in a listing
SURE_AFTER_S = 60.0


class Copying:
    """The copying of one run's objects. A context manager: leaving it stops the threads."""

    def __init__(self, cache: ObjectCache, tree: Tree, report: Report) -> None:
        self._cache, self._tree, self._report = cache, tree, report
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._left_bytes = 0
        self._done = 0
        self._changed: list[str] = []

    def bring(self, objects: Sequence[tuple[str, Listed]], what: str) -> None:
        """Bring objects into the tree.

        Args:
            objects: Names in the tree, and the objects.
            what: For messages.

        Raises:
            RunError: They do not fit into the cache, or one cannot be copied.
            Exception: Whatever `report` raises.
        """
        missing = [(name, one) for name, one in self._reporting(objects) if not self._link(name, one)]
        self._left_bytes = sum(one.size for _, one in missing)
        if missing:
            self._cache.make_room(self._left_bytes, self._tree, what)
        self._tell(f"{what}: {len(objects)} objects, {len(objects) - len(missing)} of them in the cache.")
        try:
            self._copy_all(missing, what)
        finally:
            self._tree.reserve(0)
        if self._changed:
            message = f"{len(self._changed)} objects changed after they were listed: {some(self._changed)}. The run has the new content."
            self._report(RunEvent(message=clean(message), level="WARNING"))

    def _reporting(self, objects: Iterable[tuple[str, Listed]]) -> Iterable[tuple[str, Listed]]:
        reported_s = time.monotonic()
        for one in objects:
            if time.monotonic() - reported_s > REPORT_EVERY_S:
                self._report(RunEvent())
                reported_s = time.monotonic()
            yield one

    def _link(self, name: str, one: Listed) -> bool:
        return _is_sure(one) and self._tree.link(self._cache.place(one), name, one)

    def _copy_all(self, missing: Sequence[tuple[str, Listed]], what: str) -> None:
        waiting = iter(missing)
        failures: list[BaseException] = []

        def work() -> None:
            while not self._stop.is_set():
                with self._lock:
                    name, one = next(waiting, ("", None))
                if one is None:
                    return
                try:
                    self._copy(name, one)
                except BaseException as error:
                    failures.append(error)
                    self._stop.set()

        with ThreadPoolExecutor(THREADS, "objects") as pool:
            futures = [pool.submit(work) for _ in range(min(THREADS, len(missing)))]
            told_s = time.monotonic()
            try:
                while not all(future.done() for future in futures):
                    self._stop.wait(REPORT_EVERY_S)
                    self._tree.reserve(self._left_bytes)
                    is_due = time.monotonic() - told_s >= SECONDS_BETWEEN_MESSAGES
                    told_s = time.monotonic() if is_due else told_s
                    self._tell(f"{what}: copied {self._done} of {len(missing)} objects." if is_due else "")
            finally:
                self._stop.set()
        if failures:
            raise failures[0]

    def _tell(self, message: str) -> None:
        self._report(RunEvent(message=message))

    def _copy(self, name: str, one: Listed) -> None:
        part = self._tree.parts / uuid.uuid4().hex
        try:
            got, etag = self._fetched(one, part)
            os.chmod(part, 0o444)  # noqa: PTH101
            os.utime(part, ns=(time.time_ns(), got.mtime_ns))
            self._tree.keep(part, self._cache.place(got, "" if _is_sure(got) else etag), name, got)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                reason = f"the disk of CACHE_DIR ('{self._cache.folder}') is full. Free some, or move CACHE_DIR."
                raise RunError(reason) from None
            raise
        finally:
            part.unlink(missing_ok=True)
        with self._lock:
            self._left_bytes -= one.size
            self._done += 1
            if got != one:
                self._changed.append(str(one.url))

    def _fetched(self, one: Listed, part: Path) -> tuple[Listed, str]:
        """Copy an object to `part`. Returns it as it was then, and its ETag."""
        for pause_s in (*PAUSES_S, None):
            try:
                before = _metadata(one)
                size = self._read(one, part)
                if size == before[0] and before == _metadata(one):
                    if size != one.size:
                        info = look(one.url)
                        one = replace(one, size=size, mtime_ns=int(info.mtime_ns or 0))
                    return one, before[1]
                reason = f"'{one.url}' changes while it is read. Run the task again when nobody writes it."
            except FileNotFoundError as error:
                raise RunError(f"{why(error, one.url)} It was there when the run began.") from None
            except OSError as error:
                if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                    raise
                reason = why(error, one.url)
                if not is_passing(error):
                    raise RunError(reason) from None
            if pause_s is None or self._stop.wait(pause_s):
                break
        raise RunError(reason)

    def _read(self, one: Listed, part: Path) -> int:
        with filesystem().open_input_file(one.url.key) as source, part.open("wb") as target:
            while not self._stop.is_set() and (chunk := source.read(CHUNK_BYTES)):
                target.write(chunk)
            return target.tell()


def _metadata(one: Listed) -> tuple[int, str]:
    """Size and ETag as they are now."""
    with filesystem().open_input_file(one.url.key) as source:
        etag = source.metadata().get("ETag", b"")
        return source.size(), etag.decode("ascii", "replace") if isinstance(etag, bytes) else str(etag)


def _is_sure(one: Listed) -> bool:
    """Whether a listing would show a change of an object as it is listed."""
    return time.time() - one.mtime_ns / 1e9 > SURE_AFTER_S
