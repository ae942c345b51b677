"""Counts what an inference has done, and reports it."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent

#: of the images that cannot be read, so many are named in the log and in the result
MAX_NAMED_FAILURES = 100
#: of the classes found, so many are named in the last log message
MAX_NAMED_CLASSES = 50


class Tally:
    """`classes` counts the predictions: the caller adds to it."""

    def __init__(self, source: Path, total: int, report: Report) -> None:
        self.classes: Counter[str] = Counter()
        self._source = source
        self._total = total
        self._report = report
        self._done = 0
        self._failures = 0
        self._failed_names: list[str] = []
        self._first_error: RunError | None = None
        self._started_s = 0.0
        self._elapsed_s = 0.0

    def name(self, path: Path) -> str:
        """What a file is called in the results: relative to the source, with forward slashes."""
        name = path.name if path == self._source else path.relative_to(self._source).as_posix()
        return _printable(name)

    def started(self, message: str) -> None:
        self._report(RunEvent(message=message, progress=0))
        self._started_s = time.perf_counter()

    def batch_done(self, failed: Sequence[tuple[Path, RunError]], size: int) -> None:
        for path, error in failed:
            self._add_failure(path, error)
        tenths_before = 10 * self._done // self._total
        self._done += size
        self._elapsed_s = time.perf_counter() - self._started_s
        # The end has its own message.
        is_new_tenth = tenths_before < 10 * self._done // self._total < 10
        self._report(
            RunEvent(
                message=f"{self._done} of {self._total} images done." if is_new_tenth else "",
                progress=100 * self._done / self._total,
                metrics={"images_per_second": self._images_per_second()},
            )
        )

    def refuse_emptiness(self) -> None:
        """RunError when not a single image could be read."""
        if not self.classes:
            raise RunError(
                f"None of the {self._total} images in {self._source} can be read. The first: {self._first_error}"
            )

    def ended(self) -> None:
        named = ", ".join(f"{name} {count}" for name, count in self.classes.most_common(MAX_NAMED_CLASSES))
        others = len(self.classes) - MAX_NAMED_CLASSES
        more = f" and {others} other classes" if others > 0 else ""
        failed = f"; {self._failures} could not be read" if self._failures else ""
        self._report(
            RunEvent(
                message=f"Classified {self.classes.total()} images, {self._images_per_second()} a second{failed}. "
                f"By class: {named}{more}.",
                progress=100,
            )
        )

    def figures(self) -> dict[str, Any]:
        return {
            "images": self.classes.total(),
            "failed": self._failed_names,
            "failed_images": self._failures,
            "classes": dict(self.classes.most_common()),
            "images_per_second": self._images_per_second(),
        }

    def _add_failure(self, path: Path, error: RunError) -> None:
        if self._total == 1:
            raise error
        self._first_error = self._first_error or error
        self._failures += 1
        if self._failures > MAX_NAMED_FAILURES:
            return
        self._failed_names.append(self.name(path))
        is_last = self._failures == MAX_NAMED_FAILURES
        last = " Further images that cannot be read are only counted." if is_last else ""
        self._report(RunEvent(message=f"{_printable(str(error))} It is left out.{last}", level="WARNING"))

    def _images_per_second(self) -> float:
        return round(self.classes.total() / max(self._elapsed_s, 1e-9), 1)


def _printable(text: str) -> str:
    """File names may hold bytes that are no UTF-8; no file or message could."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
