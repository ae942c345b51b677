"""What a run tells the world while it works. Domain functions report through one callback, `Report`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["INFO", "WARNING", "ERROR"]
Stage = Literal["epoch_start", "training", "validation", "epoch_end", "completed"]


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """One report of a run. Without a message it only moves the progress and is not written to the log."""

    message: str = ""
    level: Level = "INFO"
    #: 0 to 100; None leaves the progress where it is
    progress: float | None = None
    #: what `step` counts in is the stage's own: epochs for training
    stage: Stage | None = None
    step: int | None = None
    #: the epoch that is running, 1-based; None leaves it
    epoch: int | None = None
    #: a whole `latest_metrics` object at stage epoch_end, else figures of the moment
    metrics: dict[str, Any] | None = None


#: Called often: after every batch or file. Raises RunCancelled when the run has to stop.
Report = Callable[[RunEvent], None]


def clean(text: str) -> str:
    """The text as UTF-8 can hold it: a file name that is no UTF-8 shows its bytes as \\udc…"""
    return text.encode("utf-8", "backslashreplace").decode()


def ignore(event: RunEvent) -> None:
    """A Report for callers that only want the result."""
