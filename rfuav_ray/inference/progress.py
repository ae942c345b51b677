"""Counts the images of an inference and reports its progress."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rfuav_ray.api.requests.fields import ClassOrder
from rfuav_ray.api.results import InferenceResult
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.inference.prediction_log import Done, Failure, Row
from rfuav_ray.outputs.artifacts import CSV_NAME, JSON_NAME, JSONL_NAME

#: unreadable images that are named in the log and in the result; more are only counted
MAX_NAMED_FAILURES = 100
#: classes that are named in the last log message
MAX_NAMED_CLASSES = 50


class InferenceProgress:
    """Progress of an inference over `total` images below `source`. Each image gives a prediction or a failure."""

    def __init__(self, source: Path, total: int, report: Report) -> None:
        self._classes: Counter[str] = Counter()
        self._source = source
        self._total = total
        self._report = report
        self.done = 0
        self._failures = 0
        self._failed_names: list[str] = []
        self._first_error = ""
        #: predictions of this run, without those of earlier runs
        self._new = 0
        self._started_s = 0.0
        self._elapsed_s = 0.0

    def name(self, path: Path) -> str:
        """The name of a file in the results: relative to the source, with forward slashes."""
        name = path.name if path == self._source else path.relative_to(self._source).as_posix()
        return clean(name)

    def failure(self, path: Path, error: RunError) -> Failure:
        return Failure(failed=self.name(path), reason=clean(str(error)))

    def count_earlier(self, rows: Iterable[Done]) -> Iterator[Done]:
        """Count and yield the rows of an earlier run. They are not reported again."""
        for inputs, row in rows:
            self._count(row)
            self._report(RunEvent())  # raises if the task was cancelled, as this loop reads the images
            yield inputs, row

    def started(self, message: str) -> None:
        if self.done:
            message = f"Resuming after {self.done} of {self._total} images."
        self._report(RunEvent(message=message, progress=100 * self.done / self._total))
        self._started_s = time.perf_counter()

    def batch_done(self, rows: Sequence[Row]) -> None:
        done_before = self.done
        warnings = [warning for row in rows if (warning := self._count(row))]
        self._new += sum("file" in row for row in rows)
        for warning in warnings:
            self._report(RunEvent(message=warning, level="WARNING"))
        tenths_before = 10 * done_before // self._total
        self._elapsed_s = time.perf_counter() - self._started_s
        # `ended` reports the last tenth.
        is_new_tenth = tenths_before < 10 * self.done // self._total < 10
        self._report(
            RunEvent(
                message=f"{self.done} of {self._total} images done." if is_new_tenth else "",
                progress=100 * self.done / self._total,
                metrics={"images_per_second": self._images_per_second()},
            )
        )

    def require_a_prediction(self) -> None:
        """Raise RunError if no image could be read."""
        if not self._classes:
            raise RunError(
                f"None of the {self._total} images in {self._source} can be read. The first: {self._first_error}"
            )

    def ended(self) -> None:
        named = ", ".join(f"{name} {count}" for name, count in self._classes.most_common(MAX_NAMED_CLASSES))
        others = len(self._classes) - MAX_NAMED_CLASSES
        more = f" and {others} other classes" if others > 0 else ""
        failed = f"; {self._failures} could not be read" if self._failures else ""
        self._report(
            RunEvent(
                message=f"Classified {self._classes.total()} images, {self._images_per_second()} a second"
                f"{failed}. By class: {named}{more}.",
                progress=100,
            )
        )

    def result(
        self, save_path: Path, model: str, class_order: ClassOrder, left_out: dict[str, int]
    ) -> InferenceResult:
        return {
            "save_path": str(save_path),
            "model": model,
            "class_order": class_order,
            "predictions_csv": str(save_path / CSV_NAME),
            "predictions_json": str(save_path / JSON_NAME),
            "predictions_jsonl": str(save_path / JSONL_NAME),
            "images": self._classes.total(),
            "failed": self._failed_names,
            "failed_images": self._failures,
            "classes": dict(self._classes.most_common()),
            "left_out": left_out,
            "images_per_second": self._images_per_second(),
        }

    def _count(self, row: Row) -> str:
        """Count a row. Returns its warning, or "". Raises RunError if the only image has failed."""
        self.done += 1
        if "class_name" in row:
            self._classes[row["class_name"]] += 1
            return ""
        if self._total == 1:
            raise RunError(row["reason"])
        self._first_error = self._first_error or row["reason"]
        self._failures += 1
        if self._failures > MAX_NAMED_FAILURES:
            return ""
        self._failed_names.append(row["failed"])
        is_last = self._failures == MAX_NAMED_FAILURES
        last = " Further unreadable images are only counted." if is_last else ""
        return f"{row['reason']} The image is skipped.{last}"

    def _images_per_second(self) -> float:
        return round(self._new / max(self._elapsed_s, 1e-9), 1)
