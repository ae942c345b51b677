"""STATE_DIR/audit.jsonl: one line for each request that writes, or wanted to. Only appended to."""

import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from rfuav_ray.tasks import now

FILE = "audit.jsonl"
OLDER = "audit-*.jsonl"
MAX_BYTES = 64 * 2**20
# A pipe in its place must not hold the service up.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
LONGEST_PATH = 500
COMPLAIN_EVERY_S = 60.0
_BEGIN = '{"time": '

logger = logging.getLogger(__name__)


class AuditLog:
    """Several replicas write to one file: the system appends each line as a whole."""

    def __init__(self, state_dir: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = state_dir / FILE
        self._name = str(self._path)
        self._max_bytes = max_bytes
        self._file: int | None = None
        self._lost = 0
        self._complained_s = -COMPLAIN_EVERY_S

    def write(self, **fields: Any) -> None:
        """Append a line with the time.

        What cannot be written is an ERROR in the log: the request was answered. The next line counts what is lost.
        """
        entry = {"time": now().isoformat(timespec="milliseconds"), **fields}
        if self._lost:
            entry["lost_before"] = self._lost
        line = json.dumps(entry) + "\n"
        try:
            written = os.write(self._opened(), line.encode())
            if written < len(line):
                raise OSError(f"{written} of {len(line)} bytes were written")
            self._lost = 0
        except OSError as error:
            self._lost += 1
            if time.monotonic() - self._complained_s > COMPLAIN_EVERY_S:
                self._complained_s = time.monotonic()
                logger.error("The audit log '%s' lacks lines: %s. Make room on its disk.", self._path, error)

    def _opened(self) -> int:
        if self._file is not None and self._is_current(self._file):
            return self._file
        self._close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self._path, _FLAGS, 0o600)
        if os.fstat(self._file).st_size >= self._max_bytes:
            self._rotate(self._file)
            return self._opened()
        return self._file

    def _is_current(self, file: int) -> bool:
        """Whether lines may go into this file: not if it is full, or was moved away."""
        status = os.fstat(file)
        if status.st_size >= self._max_bytes:
            return False
        try:
            return os.path.samestat(os.stat(self._name), status)  # noqa: PTH116  (pathlib takes four times as long)
        except FileNotFoundError:
            return False

    def _rotate(self, file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Another replica may have moved it before, and not have made the new one yet.
            with suppress(FileNotFoundError):
                if os.path.samestat(self._path.stat(), os.fstat(file)):
                    self._path.rename(self._path.with_name(f"audit-{now():%Y%m%dT%H%M%S.%fZ}.jsonl"))
        finally:
            self._close()  # and the lock, or the other replicas would wait for it

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def entries(state_dir: Path, since: datetime | None = None, key: str | None = None) -> Iterator[dict[str, Any]]:
    """Read the log, the oldest entry first. A line that is cut off is left out."""
    for file in [*sorted(state_dir.glob(OLDER)), state_dir / FILE]:
        with suppress(FileNotFoundError), file.open(encoding="utf-8") as lines:
            for line in lines:
                entry = _entry(line)
                if entry is None or (key is not None and entry.get("key") != key):
                    continue
                if since is None or datetime.fromisoformat(entry["time"]) >= since:
                    yield entry


def _entry(line: str) -> dict[str, Any] | None:
    # Behind a line that a full disk has cut off. Within a text the quotes would be escaped.
    begin = line.rfind(_BEGIN)
    try:
        entry = json.loads(line[max(begin, 0) :])
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and "time" in entry else None
