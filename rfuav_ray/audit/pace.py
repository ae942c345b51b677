"""Reports several times a second, however often it is called."""

import time

from rfuav_ray.events import Report, RunEvent

#: a stop waits for one of them
SECONDS_BETWEEN_REPORTS = 0.25


class Pace:
    """A function to call in every step of a loop. `report` may raise."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._reported_s = time.monotonic()

    def __call__(self, progress: float | None = None) -> None:
        """Report the progress in percent; None: only that the run is alive."""
        if time.monotonic() - self._reported_s >= SECONDS_BETWEEN_REPORTS:
            self._reported_s = time.monotonic()
            self._report(RunEvent(progress=progress))
