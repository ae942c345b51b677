"""The output folder of a run: one run at a time writes it, resumes after a crash, and empties it after a failure.

While files are made, `<output>/.rfuav-run/` names the run and its request. Its run.json stays at the end: if the
run is restarted after its last file, it finds its own result there.
"""

import fcntl
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from rfuav_ray.errors import RunError, RunInterrupted, RunLost
from rfuav_ray.file_access.folders import make_folder, open_to_append, remove_file
from rfuav_ray.files import TEMPORARY, remove_temporaries, write_text
from rfuav_ray.outputs.manifest import (
    FINISHED_FILE,
    RUN_FILE,
    RUN_FOLDER,
    Finished,
    FinishedLog,
    holds_files,
    is_unfinished,
    read_finished,
    read_run,
)

OWN_RUN_ENDS_WITHIN_S = 15.0
LOCK_POLL_S = 0.1
OWNER_LOCK, WRITERS_LOCK = "owner.lock", "writers.lock"
TOKEN_SUFFIX = ".token"


class PermitRevoked(Exception):
    """Raised in a worker whose run has ended: nothing may be written any more."""


@dataclass(frozen=True)
class Permit:
    """A worker's right to write into the folder. It ends with the run."""

    run_folder: Path
    token: str

    @contextmanager
    def held(self) -> Iterator[None]:
        """A block in which the worker may write. Emptying the folder waits for its end. Raises PermitRevoked."""
        try:
            # The mode never creates the file: it would reappear in a run folder that is being removed.
            lock = open_to_append(self.run_folder / WRITERS_LOCK, create=False)
        except FileNotFoundError:
            raise PermitRevoked from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            self.check()
            yield

    def check(self) -> None:
        """Raise PermitRevoked if the run has ended."""
        if not (self.run_folder / self.token).exists():
            raise PermitRevoked


class OutputFolder:
    """A context manager for the output folder of a run.

    An exception removes the planned files. After RunInterrupted and RunLost the folder is left unfinished instead,
    and the next run resumes.

    Args:
        path: The folder.
        request: Identity of the request. Only a run with the same one may resume.
        run_id: Identifies the task, so that its later runs find their own folder and result.
        planned: Gives the relative paths of all files that the run makes.
        plan: Digest of the planned items. Only a run with the same one may resume.
        item_count: How many items that are.
        is_result: Whether a value can be the result of the run. The folder lies where others may write.
    """

    def __init__(
        self,
        path: Path,
        *,
        request: dict[str, Any],
        run_id: str,
        planned: Callable[[], Iterable[str]],
        plan: str = "",
        item_count: int = 2**63,
        is_result: Callable[[Any], bool] = lambda _: True,
    ) -> None:
        self.path = path
        self._run_folder = path / RUN_FOLDER
        self._run_file = self._run_folder / RUN_FILE
        self._request = request
        self._run_id = run_id
        self._planned = planned
        self._plan = plan
        self._item_count = item_count
        self._is_result = is_result
        self._token = f"{uuid.uuid4().hex}{TOKEN_SUFFIX}"
        self._owner_lock: BinaryIO | None = None
        self._is_new = False
        self._log: FinishedLog | None = None
        #: the items that earlier runs have finished, by their numbers in the plan
        self.finished: dict[int, Finished] = {}
        #: the result, if an earlier run with the same id has completed the folder: JSON; the caller knows its type
        self.result: dict[str, Any] | None = None
        #: why the notes of an earlier run are not used; empty if they are, or if there are none
        self.remark = ""

    @property
    def permit(self) -> Permit:
        return Permit(self._run_folder, self._token)

    def __enter__(self) -> "OutputFolder":
        """Raises RunError if another run is writing here, or if the folder holds other files."""
        self._is_new = not self.path.exists()
        if self._run_folder.is_symlink():
            raise RunError(f"'{self._run_folder}' is a link, but the run removes files in it: remove the link.")
        make_folder(self._run_folder)
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
            # Workers stop before their next file. The next run waits for them, as this one has to end soon.
            with suppress(OSError):
                self._remove(TOKEN_SUFFIX)
        elif isinstance(error, Exception):  # not after KeyboardInterrupt and the like: such a run can resume, too
            self._discard()
        if self._log is not None:
            self._log.close()
        if self._owner_lock is not None:
            self._owner_lock.close()

    def note_finished(self, items: Iterable[tuple[int, Finished]]) -> None:
        """Note items whose files are on disk, so that a later run skips them."""
        assert self._log is not None
        self._log.add(items)

    def complete(self, result: Mapping[str, object]) -> None:
        """Flush all files, which must exist, and store the result in run.json."""
        self._end_permits()
        remove_temporaries(self.path, and_below=True)
        os.sync()
        self._write_run("complete", result)
        self._remove_locks()

    def _lock(self, file: BinaryIO) -> None:
        deadline_s = time.monotonic() + OWN_RUN_ENDS_WITHIN_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if not self._is_held_by_own_run() or time.monotonic() > deadline_s:
                    raise RunError(
                        f"another task is writing to '{self.path}': wait for it, or choose another folder."
                    ) from None
                time.sleep(LOCK_POLL_S)
            except OSError as error:
                raise RunError(f"'{self.path}' cannot be locked: {error.strerror}. It needs `flock`.") from error

    def _is_held_by_own_run(self) -> bool:
        """Whether an earlier run of the same task holds the lock. Its worker is being killed."""
        found = read_run(self.path)
        return found is not None and found["run_id"] == self._run_id

    def _remove_empty_run(self) -> None:
        """Remove the run folder if no run has started in it. Files of an earlier run stay."""
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
            if self._is_result(found["result"]):
                self.result = found["result"]
                self._remove_locks()
                return
            self.remark = f"'{self._run_file}' holds no result of this task: all files are made again."
            # Its plan is no longer known.
            found = {**found, "state": "unfinished", "is_new": False, "plan": None}
            is_occupied = False
        # A later version of the service may have new fields in the request of the same task.
        is_own = found is not None and found["run_id"] == self._run_id and found["state"] == "unfinished"
        if is_occupied and not is_own and not is_unfinished(found, self._request):
            raise self._occupied()
        if found is not None and found["state"] == "unfinished":
            self._is_new = found["is_new"]
            if found["plan"] == self._plan:
                self.finished = self._read_finished()
            elif is_occupied and not ("boot_id" in found and self._holds_only_planned()):
                raise RunError(
                    f"'{self.path}' holds an unfinished run, but its input has changed since. Empty the folder, "
                    f"including '{RUN_FOLDER}', or choose another."
                )
        self._end_permits()
        if not self.finished:
            self._remove(FINISHED_FILE)
        self._write_run("unfinished", None)
        self._log = FinishedLog(self._run_folder)
        (self._run_folder / self._token).touch()

    def _read_finished(self) -> dict[int, Finished]:
        try:
            return read_finished(self._run_folder, self._item_count)
        except OSError as error:
            file = self._run_folder / FINISHED_FILE
            self.remark = f"'{file}' cannot be used, so all files are made again: {error.strerror or error}."
            return {}

    def _holds_only_planned(self) -> bool:
        """Whether a run of version 0.2, which noted no items, can be resumed: all files are made again."""
        files = (path for path in self.path.rglob("*") if path.is_file() and self._run_folder not in path.parents)
        found = {str(file.relative_to(self.path)) for file in files if not TEMPORARY.fullmatch(file.name)}
        return found <= set(self._planned())

    def _occupied(self) -> RunError:
        self._remove_locks()
        with suppress(OSError):
            self._run_folder.rmdir()
        return RunError(f"'{self.path}' already holds files: choose a new folder, or empty this one.")

    def _end_permits(self) -> None:
        """Revoke all permits, and wait until no worker writes any more, not even one of a killed run."""
        self._remove(TOKEN_SUFFIX)
        with _open_lock(self._run_folder / WRITERS_LOCK) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

    def _write_run(self, state: str, result: Mapping[str, object] | None) -> None:
        run = {
            "state": state,
            "run_id": self._run_id,
            "request": self._request,
            "plan": self._plan,
            "is_new": self._is_new,
            "result": result,
        }
        write_text(self._run_file, json.dumps(run, indent=2))

    def _discard(self) -> None:
        """Remove the planned files, but no files that others have put there meanwhile."""
        self._end_permits()
        root = str(self.path)
        for name in self._planned():  # strings, not Path objects, because there may be millions
            with suppress(OSError):  # never written, a name that is too long, or a folder that leads elsewhere
                remove_file(Path(root, name))
        remove_temporaries(self.path, and_below=True)
        self._run_file.unlink(missing_ok=True)
        self._remove_locks()
        for folder, _, _ in os.walk(root, topdown=False):
            if folder != root or self._is_new:
                with suppress(OSError):  # it holds files of others
                    Path(folder).rmdir()

    def _remove_locks(self) -> None:
        # Version 0.2 left files with the progress of killed workers.
        self._remove(TOKEN_SUFFIX, OWNER_LOCK, WRITERS_LOCK, FINISHED_FILE, ".progress")

    def _remove(self, *endings: str) -> None:
        for file in self._run_folder.iterdir():
            if file.name.endswith(endings):
                file.unlink(missing_ok=True)


def _open_lock(path: Path) -> BinaryIO:
    # For reading and writing: on NFS shared locks need the one, exclusive locks the other.
    return open_to_append(path)
