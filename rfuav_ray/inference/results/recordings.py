"""The results of recordings, made from the rows of their windows: verdicts, segments and SigMF annotations."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rfuav_ray.api.results import RecordingPrediction, RecordingTotals
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.inference.prediction_log import Done
from rfuav_ray.inference.results.verdicts import WindowVotes
from rfuav_ray.inference.windows import RecordingSource, known_rate_hz
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.outputs.artifacts import RECORDINGS_JSON
from rfuav_ray.signals.formats.sigmf.annotations import Annotation


class RecordingResult:
    """The result of one recording, from the rows of its windows."""

    def __init__(self, source: RecordingSource, config: ModelConfig, first_row: int) -> None:
        self._source = source
        self._votes = WindowVotes(config.class_names, config.calibration)
        self._first_row = first_row
        self._failed = 0
        self._bad_samples = 0
        self._empty = 0

    def add(self, done: Done) -> None:
        is_failed = "failed" in done.row
        self._failed += is_failed
        self._bad_samples += done.bad_samples
        self._empty += not is_failed and done.probabilities is None
        self._votes.add(done.probabilities, done.score)

    def result(self, real_time_factor: float | None) -> tuple[RecordingPrediction, list[Annotation]]:
        """The result, and the segments as annotations."""
        source, windows = self._source, self._votes.windows
        original = source.windowed.original
        rate_hz = known_rate_hz(original)
        duration_s = original.sample_count / rate_hz
        found = list(self._votes.segments(lambda frame: source.time_s(source.border(frame))))
        result = RecordingPrediction(
            file=source.name,
            duration_s=duration_s,
            sample_rate_hz=rate_hz,
            center_frequency_hz=original.center_frequency_hz,
            stft=source.windowed.stft.model_dump(mode="json"),
            windows=windows,
            empty_windows=self._empty,
            failed_windows=self._failed,
            bad_samples=self._bad_samples,
            first_row=self._first_row,
            rows=windows - self._failed,
            verdict=self._votes.verdict(),
            segments=[segment for segment, *_ in found],
            real_time_factor=real_time_factor,
            annotations=None,
        )
        return result, [
            self._annotation(segment["class_name"], segment["probability"], first, last)
            for segment, first, last in found
        ]

    def _annotation(self, label: str, probability: float, first: int, last: int) -> Annotation:
        start, end = self._source.border(first), self._source.border(last + 1)
        low_hz, high_hz = self._band(start, end)
        return Annotation(start, end - start, label, f"probability {probability:.3f}", low_hz, high_hz)

    def _band(self, start: int, end: int) -> tuple[float | None, float | None]:
        """The radio frequencies that the model saw; None where the receiver was tuned anew in between."""
        recording, original = self._source.windowed.recording, self._source.windowed.original
        center_hz = original.center_frequency_at(start)
        if center_hz is None or any(start < one.first_sample < end for one in original.captures):
            return None, None
        half_hz = known_rate_hz(recording) / 2
        return (center_hz - half_hz if recording.is_complex else center_hz), center_hz + half_hz


class RecordingResults:
    """Turns the rows of all windows into a result for each recording, and sums them up."""

    def __init__(
        self,
        sources: Sequence[RecordingSource],
        config: ModelConfig,
        factors: Mapping[str, float],
        write: Callable[[RecordingPrediction], None],
        annotate: Callable[[RecordingSource, Sequence[Annotation]], str | None],
        report: Report,
    ) -> None:
        """
        Args:
            sources: In the order of their rows.
            config: Of the model.
            factors: Real-time factors by the names of the recordings that this run worked on.
            write: Receives each result.
            annotate: Writes annotations, and returns the name of the file; None: it wrote none.
            report: Receives a WARNING for each recording with samples that were no finite numbers.
        """
        self._sources = iter(sources)
        self._config, self._factors = config, factors
        self._write, self._annotate, self._report = write, annotate, report
        self._current: tuple[RecordingSource, RecordingResult] | None = None
        self._row = 0
        self._verdicts: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._duration_s = 0.0

    def add(self, done: Done) -> None:
        """Add the next row, of a window or of an image."""
        if done.row["frame"] is not None:
            name = done.row.get("file", done.row.get("failed"))
            if self._current is None or self._current[0].name != name:
                self.finish()
                source = next(self._sources)
                self._current = source, RecordingResult(source, self._config, self._row)
            self._current[1].add(done)
        self._row += "file" in done.row

    def finish(self) -> None:
        """Write the result of the last recording, if there is one."""
        if self._current is None:
            return
        source, collected = self._current
        self._current = None
        result, annotations = collected.result(self._factors.get(source.name))
        result["annotations"] = self._annotate(source, annotations)
        if bad := result["bad_samples"]:
            message = f"{source.name}: {bad} samples were NaN or infinite and count as 0."
            self._report(RunEvent(message=message, level="WARNING"))
        self._duration_s += result["duration_s"]
        for what in ("windows", "empty_windows", "failed_windows"):
            self._counts[what] += result[what]
        self._counts["recordings"] += 1
        self._counts["annotations"] += result["annotations"] is not None
        if verdict := result["verdict"]:
            self._verdicts[verdict["class_name"]] += 1
            self._counts["unknown"] += verdict["unknown"] is True
        self._write(result)

    def totals(self, save_path: Path, *, unusable: int, real_time_factor: float | None) -> RecordingTotals:
        counts = self._counts
        return RecordingTotals(
            recordings=counts["recordings"],
            failed_recordings=unusable,
            duration_s=self._duration_s,
            windows=counts["windows"],
            empty_windows=counts["empty_windows"],
            failed_windows=counts["failed_windows"],
            verdicts=dict(self._verdicts.most_common()),
            unknown=counts["unknown"],
            real_time_factor=real_time_factor,
            recordings_json=str(save_path / RECORDINGS_JSON),
            annotations=counts["annotations"],
        )
