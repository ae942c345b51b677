"""Copies objects into the cache, some at a time. An object that changes meanwhile is copied again."""

import errno
import hashlib
import os
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.objects.access import filesystem, is_shorter, persistently, why
from rfuav_ray.objects.cache import ObjectCache, Tree
from rfuav_ray.objects.listing import Listed
from rfuav_ray.objects.parallel import for_each
from rfuav_ray.wording import some

CHUNK_BYTES = 4 * 2**20
#: how often an object is read that is replaced while it is read
TRIES_OF_CHANGING, PAUSE_OF_CHANGING_S = 4, 1.0
#: objects that are looked up while no other run may delete copies
LINKS_AT_ONCE = 500
SECONDS_BETWEEN_MESSAGES = 10.0
#: services state whole seconds and have other clocks: within this time a change may not show in a listing
SURE_AFTER_S = 60.0


class Copying:
    """The copying of one run's objects."""

    def __init__(self, cache: ObjectCache, tree: Tree, report: Report) -> None:
        self._cache, self._tree, self._report = cache, tree, report
        self._stopping = threading.Event()
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
        missing = self._missing(objects)
        self._left_bytes = sum(one.size for _, one in missing)
        if missing:
            self._cache.make_room(self._left_bytes, self._tree, what)
        self._tell(f"{what}: {len(objects)} objects, {len(objects) - len(missing)} of them in the cache.")
        try:
            self._copy_all(missing, what)
        finally:
            self._tree.reserve(0)
        if self._changed:
            changed = f"{len(self._changed)} objects changed after they were listed: {some(self._changed)}."
            message = f"{changed} The run has the new content."
            self._report(RunEvent(message=clean(message), level="WARNING"))

    def _missing(self, objects: Sequence[tuple[str, Listed]]) -> list[tuple[str, Listed]]:
        """Link the objects that the cache has. Returns the others."""
        missing, rest = [], iter(objects)
        while some_objects := list(islice(rest, LINKS_AT_ONCE)):
            with self._cache.linking():
                missing += [(name, one) for name, one in some_objects if not self._link(name, one)]
            self._report(RunEvent())
        return missing

    def _link(self, name: str, one: Listed) -> bool:
        return _is_sure(one) and self._tree.link(self._cache.place(one), name, one)

    def _copy_all(self, missing: Sequence[tuple[str, Listed]], what: str) -> None:
        told_s = time.monotonic()

        def meanwhile() -> None:
            nonlocal told_s
            self._tree.reserve(self._left_bytes)
            is_due = time.monotonic() - told_s >= SECONDS_BETWEEN_MESSAGES
            told_s = time.monotonic() if is_due else told_s
            self._tell(f"{what}: copied {self._done} of {len(missing)} objects." if is_due else "")

        for_each(missing, lambda item: self._copy(*item), self._stopping, meanwhile)

    def _tell(self, message: str) -> None:
        self._report(RunEvent(message=message))

    def _copy(self, name: str, one: Listed) -> None:
        if not _is_sure(one) and self._is_here(name, one):
            self._count(one)
            return
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
        self._count(one, is_changed=got != one)

    def _is_here(self, name: str, one: Listed) -> bool:
        """Whether the cache has an object that is too young for its listing to be sure, by its ETag. Links it."""
        with suppress(FileNotFoundError):  # the object has gone, which the copying says
            got, etag = persistently(lambda: self._facts_now(one), one.url, self._stopping)
            if got == one and etag:
                with self._cache.linking():
                    return self._tree.link(self._cache.place(one, etag), name, one)
        return False

    def _count(self, one: Listed, *, is_changed: bool = False) -> None:
        with self._lock:
            self._left_bytes -= one.size
            self._done += 1
            if is_changed:
                self._changed.append(str(one.url))

    def _fetched(self, one: Listed, part: Path) -> tuple[Listed, str]:
        """Copy an object to `part`. Returns it as it was then, and its ETag."""
        try:
            for _ in range(TRIES_OF_CHANGING):
                got = persistently(lambda: self._read_whole(one, part), one.url, self._stopping)
                if got is not None:
                    return got
                self._stopping.wait(PAUSE_OF_CHANGING_S)
        except FileNotFoundError as error:
            if error.errno == errno.ENOENT and error.filename is not None:  # a folder of the cache
                raise
            raise RunError(f"{why(error, one.url)} It was there when the run began.") from None
        raise RunError(f"'{one.url}' changes while it is read. Run the task again when nobody writes it.")

    def _read_whole(self, one: Listed, part: Path) -> tuple[Listed, str] | None:
        """None if the object has changed meanwhile."""
        try:
            return self._read(one, part)
        except OSError as error:
            if is_shorter(error):
                return None
            raise

    def _read(self, one: Listed, part: Path) -> tuple[Listed, str] | None:
        """None if the object has changed meanwhile."""
        # Not a signature: it is the ETag of an object that was written at once.
        digest = hashlib.md5(usedforsecurity=False)
        with part.open("wb") as target, filesystem().open_input_file(one.url.key) as source:
            now, etag = _facts(source, one)
            while not self._stopping.is_set() and (chunk := source.read(CHUNK_BYTES)):
                target.write(chunk)
                digest.update(chunk)
            count = target.tell()
        if self._stopping.is_set():
            raise RunError("the run ends.")
        if count == now.size and (digest.hexdigest() == etag or self._facts_now(one) == (now, etag)):
            return now, etag
        return None

    def _facts_now(self, one: Listed) -> tuple[Listed, str]:
        with filesystem().open_input_file(one.url.key) as source:
            return _facts(source, one)


def _facts(source: Any, one: Listed) -> tuple[Listed, str]:
    """An open object as it is now, and its ETag."""
    metadata = source.metadata()
    etag = metadata.get("ETag", b"").decode("ascii", "replace").strip('"')
    mtime_ns = one.mtime_ns
    with suppress(ValueError):
        changed = datetime.fromisoformat(metadata.get("Last-Modified", b"").decode("ascii", "replace"))
        # It has whole seconds, and a listing may have parts of them.
        if int(changed.timestamp()) != one.mtime_ns // 10**9:
            mtime_ns = int(changed.timestamp()) * 10**9
    return replace(one, size=source.size(), mtime_ns=mtime_ns), etag


def _is_sure(one: Listed) -> bool:
    """Whether a listing would show a change of an object as it is listed."""
    return time.time() - one.mtime_ns / 1e9 > SURE_AFTER_S
