"""The failures and the progress of a run, as events of its task."""

import time
from collections.abc import Sequence

from preprocessing.pipeline.worker import Item
from rfuav_ray.events import Report, RunEvent

MAX_MESSAGES = 20
SECONDS_BETWEEN_MESSAGES = 1.0
#: failures that are named in the log; more are only counted
MAX_NAMED_FAILURES = 1000


def failed(source: str, reason: str) -> RunEvent:
    return RunEvent(message=f"'{source}' is skipped: {reason}", level="WARNING")


class ProgressReporter:
    """Reports the failures and the progress of one run."""

    def __init__(self, items: Sequence[Item], noun: str, report: Report) -> None:
        self._items = items
        self._noun = noun
        self._report = report
        self._total = sum(item.count for item in items)
        self._fraction = 0.0
        self._reported_s = time.monotonic()
        self._reported_fraction = 0.0
        self._named = 0

    def name_failures(self, failures: Sequence[tuple[int, str]]) -> None:
        for number, reason in failures[: max(0, MAX_NAMED_FAILURES - self._named)]:
            self._named += 1
            self._report(failed(self._items[number].source, reason))

    def report(self, seen: int) -> None:
        self._fraction = seen / len(self._items)
        is_due = time.monotonic() - self._reported_s >= SECONDS_BETWEEN_MESSAGES
        message = ""
        if self._fraction > self._reported_fraction and (
            self._fraction == 1 or (is_due and self._fraction - self._reported_fraction >= 1 / MAX_MESSAGES)
        ):
            self._reported_s, self._reported_fraction = time.monotonic(), self._fraction
            message = f"{round(self._fraction * self._total)} of {self._total} {self._noun}."
        self._report(RunEvent(message=message, progress=100 * self._fraction))
