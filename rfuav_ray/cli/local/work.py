"""Work in this process: its progress on the console, and signals that stop it in good order."""

import hashlib
import json
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console

from rfuav_ray.api.requests import Request
from rfuav_ray.cli.follow import open_view
from rfuav_ray.cli.printing import print_warnings
from rfuav_ray.errors import InvalidInput, RunInterrupted
from rfuav_ray.events import RunEvent
from rfuav_ray.objects.urls import is_object_url

#: fields that do not change what is computed: a later call may change them and resume all the same
_FREE_FIELDS = frozenset(
    {"num_epochs", "save_path", "name", "on_existing", "copy_to", "device", "task_id", "priority", "description"}
)


class LocalWork:
    """A context manager for work in this process.

    SIGTERM and the first ctrl-C stop the work at its next report, in a way that a later call can resume. Then
    `stopped_by` is the signal, and the block has not come to its end. A second ctrl-C stops at once.

    Args:
        console: Shows the log.
        title: Stands beside the progress bar.
        total_epochs: Of a training.
    """

    def __init__(self, console: Console, title: str, total_epochs: int | None = None) -> None:
        self._console = console
        self._view = open_view(console, title)
        self._task: dict[str, Any] = {"total_epochs": total_epochs}
        self._started_s = time.monotonic()
        self._before: dict[int, Any] = {}
        self._asked_by: int | None = None
        self.stopped_by: int | None = None

    def ended(self, show: Callable[[], None]) -> int:
        """Show the result, with the number of warnings below it, unless a signal has stopped the work.

        Returns:
            The exit status: 0, or as shells say it when a signal has stopped the work: 130, 143.
        """
        if self.stopped_by is not None:
            return 128 + self.stopped_by
        show()
        print_warnings(self._console, self._view.warnings)
        return 0

    def report(self, event: RunEvent) -> None:
        """Show an event. Raises RunInterrupted after a signal."""
        if self._asked_by is not None:
            raise RunInterrupted
        if event.message:
            now = datetime.now(UTC).isoformat()
            self._view.log({"timestamp": now, "level": event.level, "message": event.message})
        task = self._task
        if event.stage == "epoch_end":
            task["latest_metrics"] = event.metrics
        if event.epoch is not None:
            task["current_epoch"] = event.epoch
        if event.progress:
            task["progress"] = event.progress
            passed_s = time.monotonic() - self._started_s
            task["eta_seconds"] = passed_s * (100 - event.progress) / event.progress
        self._view.update(task)

    def __enter__(self) -> "LocalWork":
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in self._before:
            signal.signal(number, self._ask)
        self._view.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._view.__exit__(kind, error, trace)
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if not isinstance(error, RunInterrupted) or self._asked_by is None:
            return False
        self.stopped_by = self._asked_by
        name = signal.Signals(self.stopped_by).name
        print(f"Stopped by {name}. The work is saved: the same call resumes it.", file=sys.stderr, flush=True)
        return True

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self._asked_by = self._asked_by or number
        # SIGTERM may come twice for one stop, because `timeout` signals a process and its group.
        if number == signal.SIGINT:
            signal.signal(number, self._before[number] or signal.SIG_DFL)


def refuse_buckets(request: Request) -> None:
    """Raise InvalidInput if a request names a bucket: only a service reads and writes there."""
    for field, value in request:
        if isinstance(value, str) and is_object_url(value):
            reason = f"'{value}' is in a bucket. Without a service, data are read from folders and written there."
            raise InvalidInput(field, reason)


def run_id_of(request: Request) -> str:
    """Return the id that a run of this request has here: its task id, or a digest of what it computes.

    So a later call of the same request recognizes the work of an earlier one, and a changed request does not.
    """
    task_id: str | None = getattr(request, "task_id", None)
    if task_id is not None:
        return task_id
    fields = json.dumps(request.model_dump(mode="json", exclude=set(_FREE_FIELDS)), sort_keys=True)
    return f"local-{hashlib.sha256(fields.encode()).hexdigest()[:16]}"
