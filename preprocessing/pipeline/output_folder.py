"""The folder that a run writes into: one run at a time, gone on with after a crash, emptied when given up.

While files are made, `<output>/.rfuav-run/` says by whom and for which request. At the end its run.json stays, so
that a run that is started again after its last file finds its own result.
"""

import fcntl
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from rfuav_ray.errors import RunError, RunInterrupted, RunLost
from rfuav_ray.files import remove_temporaries, write_text
from rfuav_ray.outputs.manifest import RUN_FILE, RUN_FOLDER, holds_files, is_unfinished, read_run

OWN_RUN_ENDS_WITHIN_S = 15.0
LOCK_POLL_S = 0.1
OWNER_LOCK, WRITERS_LOCK = "owner.lock", "writers.lock"
#: beside them the folder holds the token of the permits, and what workers note on the way
TOKEN_SUFFIX, PROGRESS_SUFFIX = ".token", ".progress"


class RunOver(Exception):
    """Raised in a worker whose run was given up: nothing may be written any more."""


@dataclass(frozen=True)
class Permit:
    """A worker's right to write into the folder; it ends with the run."""

    run_folder: Path
    token: str

    @contextmanager
    def held(self) -> Iterator[None]:
        """Whoever empties the folder waits for the end of this block. Raises RunOver."""
        try:
            # Never made here: who removes the folder of a run that is over would find a file in it again.
            lock = (self.run_folder / WRITERS_LOCK).open("r+")
        except FileNotFoundError:
            raise RunOver from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            if not (self.run_folder / self.token).exists():
                raise RunOver
            yield


class OutputFolder:
    """A context manager: an exception gives the run up and removes the `planned` files (relative paths).

    RunInterrupted and RunLost leave the folder unfinished instead: the run is started again and goes on.
    """

    def __init__(
        self,
        path: Path,
        *,
        request: dict[str, Any],
        run_id: str,
        planned: Callable[[], Iterable[str]],
        plan: str = "",
    ) -> None:
        self.path = path
        self._run_folder = path / RUN_FOLDER
        self._run_file = self._run_folder / RUN_FILE
        self._request = request
        self._run_id = run_id
        self._planned = planned
        #: what a run that goes on must have in common with the interrupted one: the same files of the same input
        self._plan = plan
        self._token = f"{uuid.uuid4().hex}{TOKEN_SUFFIX}"
        self._owner_lock: TextIO | None = None
        self._is_new = False
        #: whether files that are there are whole: not after a power cut, which may have come before their flush
        self.trusts_files = True
        #: of the run's first process: one that makes all files again may be interrupted, too
        self._boot_id = boot_id()
        #: what `complete` was given by an earlier process of this same run
        self.result: dict[str, Any] | None = None

    @property
    def permit(self) -> Permit:
        return Permit(self._run_folder, self._token)

    def __enter__(self) -> "OutputFolder":
        """Raises RunError when another run writes here, or the folder holds something else."""
        self._is_new = not self.path.exists()
        if self._run_folder.is_symlink():
            raise RunError(f"'{self._run_folder}' is a link, and files in it are removed: remove it.")
        self._run_folder.mkdir(parents=True, exist_ok=True)
        self._owner_lock = _open_lock(self._run_folder / OWNER_LOCK)
        try:
            self._lock(self._owner_lock)
            self._take_over()
        except OSError:  # a full disk
            self._remove_empty_run()
            self._owner_lock.close()
            raise
        except RunError:
            self._owner_lock.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (RunInterrupted, RunLost)):
            # Workers end at their next file. The next run waits for them; this one has to end soon.
            with suppress(OSError):
                self._remove(TOKEN_SUFFIX, PROGRESS_SUFFIX)
        elif isinstance(error, Exception):  # not KeyboardInterrupt and the like: such a run can go on, too
            self._discard()
        if self._owner_lock is not None:
            self._owner_lock.close()

    def complete(self, result: dict[str, Any]) -> None:
        """All files are there."""
        self._end_permits()
        remove_temporaries(self.path, and_below=True)
        os.sync()
        self._write_run("complete", result)
        self._remove_locks()

    def _lock(self, file: TextIO) -> None:
        deadline_s = time.monotonic() + OWN_RUN_ENDS_WITHIN_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if not self._is_held_by_own_run() or time.monotonic() > deadline_s:
                    raise RunError(
                        f"another task is writing to '{self.path}': wait for it, or name another."
                    ) from None
                time.sleep(LOCK_POLL_S)
            except OSError as error:
                raise RunError(f"'{self.path}' cannot be locked: {error.strerror}. It needs `flock`.") from error

    def _is_held_by_own_run(self) -> bool:
        """An earlier run of the same task: its worker is just being killed."""
        found = read_run(self.path)
        return found is not None and found["run_id"] == self._run_id

    def _remove_empty_run(self) -> None:
        """Leave no trace where nothing was begun; what an earlier run left stays."""
        if self._run_file.exists():
            return
        with suppress(OSError):
            self._remove_locks()
            self._run_folder.rmdir()
            if self._is_new:
                self.path.rmdir()

    def _take_over(self) -> None:
        found = read_run(self.path)
        is_occupied = holds_files(self.path)
        is_ours = found is not None and (found["run_id"], found["request"]) == (self._run_id, self._request)
        if is_occupied and found is not None and is_ours and found["state"] == "complete":
            self.result = found["result"]
            self._remove_locks()
            return
        if is_occupied and (found is None or not is_unfinished(found, self._request)):
            raise self._occupied()
        if found is not None and found["state"] == "unfinished":
            self._is_new = found["is_new"]
            self._boot_id = found["boot_id"]
            self.trusts_files = self._boot_id == boot_id()
            if is_occupied and found["plan"] != self._plan:
                raise RunError(
                    f"'{self.path}' holds a part of this work, but the input has changed since: empty the folder "
                    f"('{RUN_FOLDER}' too), or name another."
                )
        self._end_permits()
        self._write_run("unfinished", None)
        (self._run_folder / self._token).touch()

    def _occupied(self) -> RunError:
        self._remove_locks()
        with suppress(OSError):
            self._run_folder.rmdir()
        return RunError(f"'{self.path}' holds files already: name a new folder, or empty it.")

    def _end_permits(self) -> None:
        """Returns when no worker, not even one of a killed run, writes any more."""
        self._remove(TOKEN_SUFFIX, PROGRESS_SUFFIX)
        with _open_lock(self._run_folder / WRITERS_LOCK) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

    def _write_run(self, state: str, result: dict[str, Any] | None) -> None:
        run = {
            "state": state,
            "run_id": self._run_id,
            "request": self._request,
            "plan": self._plan,
            "boot_id": self._boot_id,
            "is_new": self._is_new,
            "result": result,
        }
        write_text(self._run_file, json.dumps(run, indent=2))

    def _discard(self) -> None:
        """Remove what was made, and nothing that somebody else put there meanwhile."""
        self._end_permits()
        root = str(self.path)
        for name in self._planned():  # as text, because there may be millions
            with suppress(OSError):  # never made, or made by nobody: a name too long
                os.unlink(f"{root}/{name}")  # noqa: PTH108
        remove_temporaries(self.path, and_below=True)
        self._run_file.unlink(missing_ok=True)
        self._remove_locks()
        for folder, _, _ in os.walk(root, topdown=False):
            if folder != root or self._is_new:
                with suppress(OSError):  # somebody else's files are in it
                    Path(folder).rmdir()

    def _remove_locks(self) -> None:
        self._remove(TOKEN_SUFFIX, PROGRESS_SUFFIX, OWNER_LOCK, WRITERS_LOCK)

    def _remove(self, *endings: str) -> None:
        for file in self._run_folder.iterdir():
            if file.name.endswith(endings):
                file.unlink(missing_ok=True)


def boot_id() -> str:
    """Another one after each start of this machine; empty where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _open_lock(path: Path) -> TextIO:
    # For reading and writing: NFS wants the one for shared locks and the other for exclusive ones.
    return path.open("a+")
