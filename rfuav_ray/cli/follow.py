"""Views of a run while it works: log lines, and on a terminal a progress bar below them."""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from rfuav_ray.client import RFUAVClient
from rfuav_ray.client.log_lines import log_line
from rfuav_ray.errors import RfuavError

REFRESH_EVERY_S = 1.0
TITLE_CHARS = 13
#: metrics of `latest_metrics` in the progress bar: name, label, format
METRICS = (
    ("train_loss", "loss", "{:.4f}"),
    ("val_acc", "val acc", "{:.1f} %"),
    ("macro_f1", "F1", "{:.3f}"),
)


class LogView:
    """Context manager that prints log lines only, for files and pipes."""

    def __init__(self, console: Console) -> None:
        self.console = console
        #: how many of the printed lines are warnings
        self.warnings = 0

    def log(self, entry: Mapping[str, Any]) -> None:
        self.warnings += entry.get("level") == "WARNING"
        self.console.print(log_line(entry), soft_wrap=True)

    def update(self, task: Mapping[str, Any]) -> None:
        """Accept the fields of a TaskResponse. Prints nothing, because the log has the important events."""

    def __enter__(self) -> "LogView":
        return self

    def __exit__(self, *_: object) -> None:
        return None


class LiveView(LogView):
    """Log lines above a progress bar with epoch, loss, validation accuracy, F1 and the remaining time."""

    def __init__(self, console: Console, title: str) -> None:
        super().__init__(console)
        self._title = title
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            transient=True,
        )
        self._bar = self._progress.add_task(title, total=100, figures="")

    def update(self, task: Mapping[str, Any]) -> None:
        epoch, epochs = task.get("current_epoch"), task.get("total_epochs")
        description = f"{self._title}  epoch {epoch}/{epochs}" if epoch and epochs else self._title
        self._progress.update(
            self._bar,
            description=description,
            completed=task.get("progress") or 0,
            figures="  ".join(_metric_texts(task)),
        )

    def __enter__(self) -> "LiveView":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def open_view(console: Console, title: str) -> LogView:
    return LiveView(console, title) if console.is_terminal else LogView(console)


def short(task_id: str) -> str:
    # Show the end: ids that the service generates begin with the time, so their starts are alike.
    return task_id if len(task_id) <= TITLE_CHARS else f"…{task_id[1 - TITLE_CHARS :]}"


def follow_task(client: RFUAVClient, task_id: str, console: Console) -> dict[str, Any]:
    """Show a task of the service until it ends, and return the ended task with the number of its `warnings`."""
    with open_view(console, short(task_id)) as view, _Refresher(client, task_id, view):
        for entry in client.stream_logs(task_id):
            view.log(entry)
    # A service of an earlier version does not count them.
    return {**client.wait(task_id), "warnings": view.warnings}


def duration_text(seconds: float) -> str:
    """Format a duration: `45 s`, `3 min`, `2.5 h`, `4 d`."""
    if seconds < 90:
        return f"{max(seconds, 0):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} d"


class _Refresher:
    """Updates a live view from the task's record, which changes more often than its log."""

    def __init__(self, client: RFUAVClient, task_id: str, view: LogView) -> None:
        self._client = client
        self._task_id = task_id
        self._view = view
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="progress", daemon=True)

    def __enter__(self) -> "_Refresher":
        if isinstance(self._view, LiveView):
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()

    def _loop(self) -> None:
        while not self._is_over.wait(REFRESH_EVERY_S):
            try:
                self._view.update(self._client.get_task(self._task_id))
            except RfuavError:
                continue  # the bar stops while the service is away; the log stream raises when it stays away


def _metric_texts(task: Mapping[str, Any]) -> list[str]:
    if task.get("queue_position"):
        return [f"number {task['queue_position']} in the queue"]
    metrics = task.get("latest_metrics") or {}
    figures = [
        f"{label} {form.format(metrics[name])}" for name, label, form in METRICS if metrics.get(name) is not None
    ]
    if task.get("eta_seconds") is not None:
        figures.append(f"ETA {duration_text(task['eta_seconds'])}")
    return figures
