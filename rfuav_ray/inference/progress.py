"""Counts the pictures of an inference and reports its progress."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from rfuav_ray.api.requests.fields import ClassOrder
from rfuav_ray.api.results import InferenceResult, RecordingTotals
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.inference.pace import Pace
from rfuav_ray.inference.pictures import ImageFile, Pictures, Unusable
from rfuav_ray.inference.prediction_log import Done, Failure, Row
from rfuav_ray.outputs.artifacts import CSV_NAME, JSON_NAME, JSONL_NAME

#: unreadable files that are named in the log and in the result; more are only counted
MAX_NAMED_FAILURES = 100
#: classes that are named in the last log message
MAX_NAMED_CLASSES = 50


class InferenceProgress:
    """Progress of an inference over the pictures of `source`. Each one gives a prediction or a failure."""

    def __init__(self, source: Path, pictures: Pictures, report: Report) -> None:
        self._classes: Counter[str] = Counter()
        self._source = source
        self._total = len(pictures)
        self._report = report
        self.pace = Pace(pictures)
        self._unusable = {one.name for one in pictures.sources if isinstance(one, Unusable)}
        self._noun = _noun_of(pictures)
        self.done = 0
        self._images = 0
        self._empty = 0
        self._unknown = 0
        self._failures = 0
        self._failed_windows = 0
        self._failed_names: dict[str, None] = {}
        self._first_error = ""

    def count_earlier(self, rows: Iterable[Done]) -> Iterator[Done]:
        """Count and yield the rows of an earlier run. They are not reported again."""
        for done in rows:
            self._count(done.row)
            self._report(RunEvent())  # raises if the task was cancelled, as this loop reads the images
            yield done

    def started(self, message: str) -> None:
        if self.done:
            message = f"Resuming after {self.done} of {self._total} {self._noun}."
        self._report(RunEvent(message=message, progress=100 * self.done / self._total))
        self.pace.start()

    def batch_done(self, rows: Sequence[Row]) -> None:
        done_before = self.done
        warnings = [warning for row in rows if (warning := self._count(row))]
        self.pace.batch_done(rows)
        for warning in warnings:
            self._report(RunEvent(message=warning, level="WARNING"))
        tenths_before = 10 * done_before // self._total
        # `ended` reports the last tenth.
        is_new_tenth = tenths_before < 10 * self.done // self._total < 10
        self._report(
            RunEvent(
                message=f"{self.done} of {self._total} {self._noun} done{self.pace.described()}."
                if is_new_tenth
                else "",
                progress=100 * self.done / self._total,
                metrics=self.pace.metrics,
            )
        )

    def require_a_prediction(self) -> None:
        """Raise RunError if nothing could be read."""
        if not self._classes and not self._empty:
            raise RunError(
                f"None of the {self._total} {self._noun} in {self._source} can be read. "
                f"The first: {self._first_error}"
            )

    def ended(self) -> None:
        named = ", ".join(f"{name} {count}" for name, count in self._classes.most_common(MAX_NAMED_CLASSES))
        others = len(self._classes) - MAX_NAMED_CLASSES
        more = f" and {others} other classes" if others > 0 else ""
        failed_count = self._failures + self._failed_windows
        failed = f"; {failed_count} could not be read" if failed_count else ""
        empty = f"; in {self._empty} windows nothing is on the air" if self._empty else ""
        by_class = f" By class: {named}{more}." if named else ""
        if self._unknown:
            by_class += f" {self._unknown} of them are unknown."
        self._report(
            RunEvent(
                message=f"Classified {self._classes.total()} {self._noun}, {self.pace.per_second} a second"
                f"{self.pace.described()}{failed}{empty}.{by_class}",
                progress=100,
            )
        )

    def result(
        self,
        save_path: Path,
        model: str,
        class_order: ClassOrder,
        left_out: dict[str, int],
        recordings: RecordingTotals | None,
    ) -> InferenceResult:
        result: InferenceResult = {
            "save_path": str(save_path),
            "model": model,
            "class_order": class_order,
            "predictions_csv": str(save_path / CSV_NAME),
            "predictions_json": str(save_path / JSON_NAME),
            "predictions_jsonl": str(save_path / JSONL_NAME),
            "images": self._images,
            "failed": list(self._failed_names),
            "failed_images": self._failures,
            "classes": dict(self._classes.most_common()),
            "left_out": left_out,
            "images_per_second": self.pace.per_second,
        }
        if (factor := self.pace.real_time_factor) is not None:
            result["real_time_factor"] = factor
        if recordings is not None:
            result["recordings"] = recordings
        return result

    def _count(self, row: Row) -> str:
        """Count a row. Returns its warning, or "". Raises RunError if the only picture has failed."""
        self.done += 1
        if "file" in row:
            self._images += row["frame"] is None
            if row["class_name"] is None:
                self._empty += 1
            else:
                self._classes[row["class_name"]] += 1
                self._unknown += row["unknown"] is True
            return ""
        if self._total == 1:
            raise RunError(row["reason"])
        self._first_error = self._first_error or row["reason"]
        if row["frame"] is not None:
            self._failed_windows += 1
        else:
            self._failures += row["failed"] not in self._unusable
        return self._warning(row)

    def _warning(self, failure: Failure) -> str:
        """Each file is named once, whatever number of its windows cannot be read."""
        name = failure["failed"]
        if name in self._failed_names or len(self._failed_names) == MAX_NAMED_FAILURES:
            return ""
        self._failed_names[name] = None
        is_last = len(self._failed_names) == MAX_NAMED_FAILURES
        last = " Further unreadable files are only counted." if is_last else ""
        what = "recording" if name in self._unusable else "image" if failure["frame"] is None else "window"
        return f"{failure['reason']} The {what} is skipped.{last}"


def _noun_of(pictures: Pictures) -> str:
    images = sum(isinstance(one, ImageFile) for one in pictures.sources)
    if images == len(pictures.sources):
        return "images"
    if not pictures.recordings:
        return "images and recordings" if images else "recordings"
    return "images and windows" if images else "windows"
