"""A bounded folder of copies of objects on this node. Runs have them by hard links, so folders of files are made.

`objects/<xx>/<digest>` has the copies. `trees/<task>.d/` has the links of a run, and `trees/<task>.lock` is locked
while the run lives; its content is the number of bytes that the run is about to copy. A copy with one link is in
no run: the one that was used least recently goes first.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.machine.private_files import folder_problem
from rfuav_ray.objects.listing import Listed

#: how long a run waits for an earlier run of the same task that is ending
WAIT_FOR_EARLIER_S = 30.0


@dataclass(frozen=True)
class Room:
    """Bytes of the cache."""

    limit: int
    #: in copies that no run may lose, and in copies that other runs are about to make
    held: int

    @property
    def free(self) -> int:
        return max(0, self.limit - self.held)


def own_folder(cache_dir: Path, name: str) -> Path:
    """A folder in CACHE_DIR, which is made. Raises RunError if others could change what is there."""
    cache_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if problem := folder_problem(cache_dir):
        raise RunError(f"CACHE_DIR cannot be used: {problem}. Take it over (chown, chmod o-w), or choose another.")
    (cache_dir / name).mkdir(exist_ok=True, mode=0o700)
    return cache_dir / name


class ObjectCache:
    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self._limit_bytes = limit_bytes
        for name in ("objects", "trees"):
            own_folder(folder, name)

    def place(self, one: Listed, etag: str = "") -> Path:
        """Where the copy of an object is, or will be."""
        text = f"{one.url}\0{one.size}\0{one.mtime_ns}\0{etag}"
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return self.folder / "objects" / digest[:2] / digest

    @contextmanager
    def tree(self, run_id: str, report: Report) -> Iterator["Tree"]:
        """An empty folder for the links of a run, which goes at the end of the block.

        Raises:
            RunError: An earlier run of the task does not end.
        """
        lock = self.folder / "trees" / f"{run_id}.lock"
        descriptor = locked(lock, report)
        try:
            tree = Tree(self, lock.with_suffix(".d"), descriptor)
            shutil.rmtree(tree.folder, ignore_errors=True)
            tree.parts.mkdir(parents=True, mode=0o700)
            try:
                yield tree
            finally:
                tree.reserve(0)
                shutil.rmtree(tree.folder, ignore_errors=True)
                lock.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    @contextmanager
    def alone(self, task_id: str, report: Report) -> Iterator[None]:
        """A block in which no other worker of the task copies. What one has copied, the next one links."""
        lock = self.folder / "trees" / f"{task_id}.copying"
        with lock.open("a") as file:
            while not _is_locked(file):
                report(RunEvent())
                time.sleep(0.1)
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)

    def make_room(self, wanted_bytes: int, tree: "Tree", what: str) -> None:
        """Reserve bytes for a run, and delete copies that no run uses, as far as needed.

        Raises:
            RunError: They do not fit into the cache, or on its disk. Says what is needed and what there is.
        """
        with self._guarded(fcntl.LOCK_EX):
            reserved = self._reserved_by_others(tree)
            used, unused = self._copies()
            room = Room(self._limit_bytes, used + reserved)
            if wanted_bytes > room.free:
                raise RunError(
                    f"{what} needs {_size(wanted_bytes)} more in the cache of '{self.folder}', which has room for "
                    f"{_size(room.free)}: CACHE_GB is {_size(room.limit)}, and runs hold {_size(room.held)}. "
                    "Raise CACHE_GB, or wait for the other runs."
                )
            spare = self._limit_bytes - used - reserved - sum(size for _, size, _ in unused)
            # The disk may be smaller than the limit.
            spare = min(spare, shutil.disk_usage(self.folder).free - reserved)
            for _, size, path in sorted(unused):
                if spare >= wanted_bytes:
                    break
                with suppress(FileNotFoundError):
                    path.unlink()
                spare += size
            if spare < wanted_bytes:
                raise RunError(
                    f"{what} needs {_size(wanted_bytes)} more, and the disk of CACHE_DIR ('{self.folder}') has "
                    f"{_size(max(0, spare))} free. Free some, or move CACHE_DIR."
                )
            tree.reserve(wanted_bytes)

    @contextmanager
    def linking(self) -> Iterator[None]:
        """A block in which no copy is deleted. Keep it short: other runs wait for room."""
        with self._guarded(fcntl.LOCK_SH):
            yield

    @contextmanager
    def _guarded(self, how: int) -> Iterator[None]:
        with (self.folder / "lock").open("a") as guard:
            fcntl.flock(guard, how)
            yield

    def _copies(self) -> tuple[int, list[tuple[int, int, Path]]]:
        """The bytes of copies in use; and last use, size and path of each of the others."""
        used, unused = 0, []
        for folder in os.scandir(self.folder / "objects"):
            for entry in os.scandir(folder):
                status = entry.stat(follow_symlinks=False)
                if status.st_nlink > 1:
                    used += status.st_size
                else:
                    unused.append((status.st_atime_ns, status.st_size, Path(entry.path)))
        return used, unused

    def _reserved_by_others(self, own: "Tree") -> int:
        """What living runs are about to copy. The links of dead ones go."""
        total = 0
        for lock in (self.folder / "trees").glob("*.lock"):
            if lock.with_suffix(".d") == own.folder:
                continue
            with suppress(FileNotFoundError), lock.open("r+b") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    total += int(file.read() or 0)
                else:
                    shutil.rmtree(lock.with_suffix(".d"), ignore_errors=True)
                    lock.unlink(missing_ok=True)
        return total


class Tree:
    """The links of a run."""

    def __init__(self, cache: ObjectCache, folder: Path, lock: int) -> None:
        self._cache = cache
        self.folder = folder
        self._lock = lock
        #: what is being copied
        self.parts = folder / ".parts"

    def link(self, copy: Path, name: str, one: Listed) -> bool:
        """Link a copy into the tree if it is there and whole. Returns whether it is."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(copy, target)
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno == errno.EEXIST:
                if target.samefile(copy):
                    return True
                raise RunError(
                    f"'{one.url}' and another object have names that the file system of CACHE_DIR "
                    f"('{self._cache.folder}') does not tell apart. Rename one, or choose another disk."
                ) from None
            reason = (
                f"'{self._cache.folder}' (CACHE_DIR) cannot hold links: {error.strerror}. Choose another disk."
            )
            raise RunError(reason) from None
        if target.stat().st_size != one.size:  # of a machine that lost its power
            target.unlink()
            return False
        os.utime(copy, ns=(time.time_ns(), one.mtime_ns))
        return True

    def keep(self, part: Path, copy: Path, name: str, one: Listed) -> None:
        """Make a finished part a copy of the cache, and link it. A run that was faster keeps its copy."""
        copy.parent.mkdir(exist_ok=True)
        with self._cache.linking():
            with suppress(FileExistsError):
                os.link(part, copy)
            if not self.link(copy, name, one):
                part.replace(copy)
                if not self.link(copy, name, one):
                    raise RunError(f"the copy of '{one.url}' in CACHE_DIR ('{self._cache.folder}') is not whole.")
        part.unlink(missing_ok=True)

    def reserve(self, count: int) -> None:
        """Note the bytes that are still to be copied."""
        # As long as before, at once: others read it meanwhile.
        os.pwrite(self._lock, f"{count:020d}".encode(), 0)


def locked(lock: Path, report: Report) -> int:
    """The descriptor of the lock of a run, which this process has now."""
    deadline_s = time.monotonic() + WAIT_FOR_EARLIER_S
    while time.monotonic() < deadline_s:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who had it deletes it at the end.
            if os.path.samestat(lock.stat(), os.fstat(descriptor)):
                return descriptor
        os.close(descriptor)
        report(RunEvent())
        time.sleep(0.1)
    raise RunError("an earlier run of this task still uses its copies. Try again when it has ended.")


def _is_locked(file: IO[str]) -> bool:
    """Whether this process has the lock now."""
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _size(count: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:.4g} {name}"
    return f"{count} bytes"
