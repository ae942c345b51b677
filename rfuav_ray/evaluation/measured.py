"""The numbers of an evaluation, from the outputs of the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.api.results import CalibrationReport, EvaluationReport, OpenSetReport
from rfuav_ray.errors import RunError
from rfuav_ray.evaluation.by_snr import snr_points
from rfuav_ray.evaluation.calibration import calibrate, calibration_doubts
from rfuav_ray.evaluation.data.collected import Collected
from rfuav_ray.evaluation.halves import halves
from rfuav_ray.evaluation.intervals import FEW_RECORDINGS, headline_intervals
from rfuav_ray.evaluation.leakage import leakage_of
from rfuav_ray.evaluation.metrics import confusion_matrix, headline, per_class
from rfuav_ray.evaluation.open_set import compare, open_set_doubts
from rfuav_ray.evaluation.scored import Outcomes, Scored
from rfuav_ray.events import Level, Report, RunEvent
from rfuav_ray.models.config import ModelConfig

#: A confusion matrix of more classes is in no report: nobody reads it, and it grows with their square.
MOST_CLASSES_OF_A_MATRIX = 1000
NAMES_SHOWN = 10


@dataclass(frozen=True)
class Measured:
    report: EvaluationReport
    #: all labelled pictures
    test: Scored
    #: those that calibration and open set were measured on; None: there are too few data
    measuring: Scored | None
    unknown: Scored


def measured(
    request: EvaluationRequest,
    collected: Collected,
    outcomes: Outcomes,
    config: ModelConfig,
    report: Report,
    roots: Sequence[Path] = (),
) -> Measured:
    """Compute everything that the report says.

    Args:
        request: With absolute paths.
        collected: What was scored.
        outcomes: What became of it.
        config: Of the model.
        report: Receives what is doubtful. It may raise.
        roots: Of the run.

    Raises:
        RunError: None of the labelled pictures could be scored.
    """
    test, (failed, empty) = outcomes.scored("test"), outcomes.counts("test")
    if not len(test):
        raise RunError(
            f"Nothing in {request.data_path} could be scored: {failed} pictures could not be read, and in {empty} "
            "windows nothing is on the air."
        )
    if empty:
        _tell(report, f"{empty} windows are not scored, because nothing is on the air in them.", "WARNING")
    _tell_recordings(test, config, report)
    swept = test if request.snr_sweep is None else outcomes.scored("sweep")
    by_snr = snr_points(swept, go_on=lambda: report(RunEvent()))
    found = {
        **_about_all(test, config, report),
        "by_snr": by_snr,
        "calibration": None,
        "open_set": None,
        "leakage": leakage_of(request, config.class_names, report, roots),
        "failed": failed,
        "empty_windows": empty,
        "left_out": collected.left_out,
    }
    numbers = cast("EvaluationReport", found)
    fit, measuring, fitted_on = _fit_and_measuring(request, test, outcomes.scored("fit"), report)
    unknown = _unknown(request, outcomes, report)
    if not len(fit) or not len(measuring):
        return Measured(numbers, test, None, unknown)
    calibration = _calibration(fit, measuring, fitted_on, report)
    numbers["calibration"] = calibration
    if len(unknown) and collected.unknown_source is not None:
        numbers["open_set"] = _open_set(
            request, fit, measuring, unknown, calibration["temperature"], collected.unknown_source, report
        )
    return Measured(numbers, test, measuring, unknown)


def _about_all(test: Scored, config: ModelConfig, report: Report) -> Mapping[str, Any]:
    """The numbers of all labelled pictures together."""
    probabilities = test.probabilities(config.temperature)
    found = {
        **headline(probabilities, test.labels),
        "n": len(test),
        "recordings": len(np.unique(test.groups)),
        "intervals": headline_intervals(probabilities, test.labels, test.groups, go_on=lambda: report(RunEvent())),
        "per_class": per_class(probabilities, test.labels, config.class_names),
        "class_names": list(config.class_names),
    }
    if len(config.class_names) <= MOST_CLASSES_OF_A_MATRIX:
        found["confusion_matrix"] = confusion_matrix(probabilities, test.labels).tolist()
    return found


def _unknown(request: EvaluationRequest, outcomes: Outcomes, report: Report) -> Scored:
    failed, empty = outcomes.counts("unknown")
    found = outcomes.scored("unknown")
    if failed or empty:
        _tell(
            report,
            f"{len(found)} pictures of unknown signals are scored. {failed} could not be read, and in {empty} "
            "windows nothing is on the air.",
            "WARNING",
        )
    return found


def _fit_and_measuring(
    request: EvaluationRequest, test: Scored, fit: Scored, report: Report
) -> tuple[Scored, Scored, Literal["calibration_path", "half"]]:
    if request.calibration_path is not None:
        if not len(fit):
            _tell(report, "Nothing in calibration_path could be scored: nothing is calibrated.", "WARNING")
        return fit, test, "calibration_path"
    fit, measuring = halves(test)
    if not len(fit):
        _tell(
            report,
            "Nothing is calibrated: each class has one recording, which cannot be halved. Set calibration_path, "
            "or add recordings.",
            "WARNING",
        )
    else:
        _tell(
            report,
            f"Temperature and threshold are fitted on {len(np.unique(fit.groups))} of the recordings "
            f"({len(fit)} images and windows), half of those of each class. The other "
            f"{len(np.unique(measuring.groups))} measure them.",
        )
    return fit, measuring, "half"


def _calibration(
    fit: Scored, measuring: Scored, fitted_on: Literal["calibration_path", "half"], report: Report
) -> CalibrationReport:
    found = calibrate(fit.logits, fit.labels, measuring.logits, measuring.labels, fitted_on)
    for doubt in calibration_doubts(found):
        _tell(report, doubt, "WARNING")
    return found


def _open_set(
    request: EvaluationRequest,
    fit: Scored,
    measuring: Scored,
    unknown: Scored,
    temperature: float,
    source: Literal["unknown_path", "simulated"],
    report: Report,
) -> OpenSetReport:
    false_alarm = request.known_false_alarm
    found = compare(
        fit.logits, measuring.logits, measuring.labels, unknown.logits, temperature, false_alarm, source
    )
    for doubt in open_set_doubts(found, len(fit), len(np.unique(fit.groups)), false_alarm):
        _tell(report, doubt, "WARNING")
    return found


def _tell_recordings(test: Scored, config: ModelConfig, report: Report) -> None:
    recordings, present = len(np.unique(test.groups)), np.unique(test.labels).tolist()
    if test.is_right.all():
        # The rule of three: Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", 1983.
        _tell(
            report,
            f"No error was seen, and intervals cannot show errors that were not seen. {recordings} recordings "
            f"do not rule out that {min(100, 300 / recordings):.0f} % of all recordings have some.",
        )
    counts = {config.class_names[label]: len(np.unique(test.groups[test.labels == label])) for label in present}
    few = {name: count for name, count in counts.items() if count < FEW_RECORDINGS}
    if max(counts.values()) == 1:
        _tell(
            report,
            "Each class is one recording. There are no intervals: nobody can tell how the numbers would differ "
            "with other recordings. group_by_recording: false is for images that are independent.",
            "WARNING",
        )
    elif few:
        named = ", ".join(f"{name} {count}" for name, count in list(few.items())[:NAMES_SHOWN])
        more = ", …" if len(few) > NAMES_SHOWN else ""
        _tell(
            report,
            f"With fewer than {FEW_RECORDINGS} recordings of a class the intervals tend to be too narrow. "
            f"There are few of {named}{more}.",
            "WARNING",
        )


def _tell(report: Report, message: str, level: Level = "INFO") -> None:
    report(RunEvent(message=message, level=level))
