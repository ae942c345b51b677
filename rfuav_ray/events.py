"""The events that a run reports while it works. Domain functions report through one callback, `Report`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rfuav_ray.api.results import EpochMetrics, InferenceMetrics

Level = Literal["INFO", "WARNING", "ERROR"]
Stage = Literal["epoch_start", "training", "validation", "epoch_end", "completed"]


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """One report of a run. Without a message it only updates the progress and is not written to the log."""

    message: str = ""
    level: Level = "INFO"
    #: percent, 0 to 100; None leaves the progress unchanged
    progress: float | None = None
    #: defines the unit of `step`; all stages of a training count in epochs
    stage: Stage | None = None
    step: int | None = None
    #: the current epoch, 1-based; None leaves it unchanged
    epoch: int | None = None
    #: EpochMetrics at stage epoch_end, otherwise intermediate metrics
    metrics: EpochMetrics | InferenceMetrics | None = None


#: Called after every batch or file. Raises RunCancelled or RunInterrupted when the run has to stop.
Report = Callable[[RunEvent], None]


def clean(text: str) -> str:
    """Make the text encodable as UTF-8. Bytes of a file name that are not UTF-8 appear as \\udc…"""
    return text.encode("utf-8", "backslashreplace").decode()


def one_line(text: str, max_chars: int = 200) -> str:
    """The text on one line, cut, with escapes for characters that a terminal would obey or not show."""
    shown = "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text[:max_chars]
    )
    return f"{shown}…" if len(text) > max_chars else shown


def ignore(event: RunEvent) -> None:
    """Discard the event: a Report for callers that only need the result."""
