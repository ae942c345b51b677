"""What the numbers of an evaluation mean, in plain sentences without markup."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from rfuav_ray.api.results import EvaluationReport, SnrPoint

Tone = Literal["good", "warn", "bad", "plain"]
#: an accuracy that one can rely on
RELIABLE = 0.9


class Verdict(NamedTuple):
    """Whether the numbers can be believed."""

    tone: Tone
    headline: str
    reasons: list[str]


def verdict(numbers: EvaluationReport) -> Verdict:
    """Whether the numbers can be believed: what the audit of the training's data says."""
    leakage = numbers["leakage"]
    if leakage is None:
        reason = "The data of the training are not known, so nothing has looked for recordings that are in both."
        return Verdict("plain", "Whether the model was trained on these recordings is not known.", [reason])
    known: dict[str, tuple[Tone, str]] = {
        "leaks": ("bad", "Do not believe these numbers: the model has seen these recordings in its training."),
        "suspicious": ("warn", "These numbers may be better than the model is."),
        "clean": ("good", "No recording of the training was found among these data."),
    }
    return Verdict(*known[leakage["verdict"]], leakage["sentences"])


def sentences(numbers: EvaluationReport) -> list[str]:
    """The numbers in plain words, the most important first."""
    return [said for tell in _TELLERS for said in tell(numbers)]


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def between(interval: tuple[float, float] | None, shown: Callable[[float], str] = percent) -> str:
    return "" if interval is None else f"{shown(interval[0])} to {shown(interval[1])}"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def confusions(numbers: EvaluationReport, most: int = 10) -> list[tuple[str, str, int, float]]:
    """The most frequent mistakes: true class, predicted class, how often, and the part of the true class."""
    matrix = np.array(numbers.get("confusion_matrix", []))
    if matrix.ndim != 2:
        return []
    totals = matrix.sum(axis=1)
    np.fill_diagonal(matrix, 0)
    likeliest = np.argsort(-matrix, axis=None, kind="stable")[:most]
    pairs = [divmod(int(index), len(matrix)) for index in likeliest]
    names = numbers["class_names"]
    return [
        (names[true], names[predicted], int(times), float(times / totals[true]))
        for true, predicted in pairs
        if (times := matrix[true, predicted])
    ]


def _accuracy(numbers: EvaluationReport) -> Iterator[str]:
    interval = between(numbers["intervals"].get("accuracy"))
    span = f" (95 % interval {interval}, over {count(numbers['recordings'], 'recording')})" if interval else ""
    yield f"The model names {percent(numbers['accuracy'])} of {numbers['n']:,} images and windows correctly{span}."
    supports = [one["support"] for one in numbers["per_class"]]
    if len(supports) > 1:
        yield f"Always naming the most frequent class would be right in {percent(max(supports) / sum(supports))}."


def _weakest(numbers: EvaluationReport) -> Iterator[str]:
    tested = [one for one in numbers["per_class"] if one["support"]]
    if missing := len(numbers["per_class"]) - len(tested):
        yield f"{missing} of the {len(numbers['per_class'])} classes of the model have no data here."
    if len(tested) < 2:
        return
    weakest = min(tested, key=lambda one: one["f1"])
    mistaken = [one for one in confusions(numbers, 10_000) if one[0] == weakest["class_name"]]
    said = f"The weakest class is {weakest['class_name']}: {percent(weakest['recall'])} of it is found"
    often = f", and it is most often taken for {mistaken[0][1]}" if mistaken else ""
    yield f"{said}{often}."


def _by_snr(numbers: EvaluationReport) -> Iterator[str]:
    points = sorted(numbers["by_snr"], key=lambda one: one["snr_db"])
    if len(points) < 2:
        return
    reliable = _from_here_on(points)
    lowest, highest = points[0], points[-1]
    ratio, reliably = "signal-to-noise ratio", f"above {100 * RELIABLE:.0f} %"
    if reliable is None:
        yield f"Up to a {ratio} of {highest['snr_db']:g} dB the accuracy does not stay {reliably}."
    else:
        yield f"From a {ratio} of {reliable['snr_db']:g} dB on, the accuracy stays {reliably}."
    chance = 1 / len(numbers["class_names"])
    if lowest["low"] <= chance:
        blind = next((one for one, after in pairwise(points) if after["low"] > chance), highest)
        yield f"Up to {blind['snr_db']:g} dB the model may be no better than guessing."


def _from_here_on(points: list[SnrPoint]) -> SnrPoint | None:
    """The first point from which on the accuracy stays reliable."""
    if points[-1]["accuracy"] <= RELIABLE:
        return None
    for lower, higher in reversed(list(pairwise(points))):
        if lower["accuracy"] <= RELIABLE:
            return higher
    return points[0]


def _calibration(numbers: EvaluationReport) -> Iterator[str]:
    found = numbers["calibration"]
    yield f"Its confidence is off by {100 * numbers['ece']:.1f} percentage points on average."
    if found is not None:
        yield (
            f"A temperature of {found['temperature']:.3g} changes that from {100 * found['ece_before']:.1f} to "
            f"{100 * found['ece_after']:.1f} points, on data that it was not fitted on."
        )


def _open_set(numbers: EvaluationReport) -> Iterator[str]:
    found = numbers["open_set"]
    if found is not None:
        what = "simulated interferers and noise" if found["source"] == "simulated" else "the unknown signals"
        yield (
            f"With its threshold it calls {percent(found['unknown_rate'])} of {what} unknown, and by mistake "
            f"{percent(found['known_false_alarm'])} of the known signals."
        )


_TELLERS = (_accuracy, _weakest, _by_snr, _calibration, _open_set)
