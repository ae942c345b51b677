"""How well a model tells signals of no known class from those that it knows. Rates and areas are 0 to 1."""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

from rfuav_ray.api.results.evaluation import OpenSetReport, OpenSetScore, UnknownScore
from rfuav_ray.inference.known_scores import DECIMALS, known_scores

Logits = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]
Scores = NDArray[np.float64]

#: compared with each other; the first wins if they are equally good
SCORES: tuple[UnknownScore, ...] = ("energy", "max_logit")
#: part of the known signals that FPR95 keeps
KEPT = 0.95
#: known signals below the threshold that make it more than a guess
_SIGNALS_BELOW = 5


def compare(
    known_fit_logits: Logits,
    known_test_logits: Logits,
    known_test_labels: Labels,
    unknown_logits: Logits,
    temperature: float,
    known_false_alarm: float,
    source: Literal["unknown_path", "simulated"],
) -> OpenSetReport:
    """Compare the scores, and choose a threshold for the better one, by AUROC.

    The threshold comes from the fit part of the known signals. Everything else is measured on the test part and
    the unknown signals.

    Args:
        known_fit_logits: Outputs of the model, shape (n, classes), n ≥ 1, as the others.
        known_test_logits: Of recordings other than those of the fit part.
        known_test_labels: Their true class indices.
        unknown_logits: Of signals of no known class.
        temperature: Of the model's calibration.
        known_false_alarm: Part of the known signals that may be called unknown, above 0 and below 1.
        source: Where the unknown signals come from.

    Raises:
        ValueError: A part is empty.
    """
    if 0 in (len(known_fit_logits), len(known_test_logits), len(unknown_logits)):
        raise ValueError("An open-set comparison needs known signals in both parts, and unknown signals.")
    is_right = known_test_logits.argmax(axis=1) == known_test_labels
    known = {score: known_scores(known_test_logits, score, temperature) for score in SCORES}
    unknown = {score: known_scores(unknown_logits, score, temperature) for score in SCORES}
    by_score = {score: _measured(known[score], unknown[score], is_right) for score in SCORES}
    best = max(SCORES, key=lambda score: by_score[score]["auroc"])
    fit = known_scores(known_fit_logits, best, temperature)
    threshold = round(float(np.quantile(fit, known_false_alarm)), DECIMALS)
    return OpenSetReport(
        **by_score[best],
        score=best,
        threshold=threshold,
        unknown_rate=float((unknown[best] < threshold).mean()),
        known_false_alarm=float((known[best] < threshold).mean()),
        n_unknown=len(unknown_logits),
        source=source,
        by_score=by_score,
    )


def open_set_doubts(report: OpenSetReport, n_fit: int, recordings: int, known_false_alarm: float) -> list[str]:
    """What makes the threshold doubtful, as sentences.

    Args:
        report: Of `compare`.
        n_fit: Known signals that gave the threshold.
        recordings: They are of so many recordings.
        known_false_alarm: The rate that was asked for.
    """
    doubts = []
    # The signals of one recording are alike: a weak one lies below the threshold as a whole.
    needed = math.ceil(_SIGNALS_BELOW / known_false_alarm), math.ceil(1 / known_false_alarm)
    if n_fit < needed[0] or recordings < needed[1]:
        doubts.append(
            f"The threshold for {100 * known_false_alarm:.3g} % false alarms comes from {n_fit} known signals of "
            f"{recordings} recordings; {needed[0]} of {needed[1]} or more make it reliable."
        )
    if report["known_false_alarm"] > 2 * known_false_alarm:
        doubts.append(
            f"On other recordings {100 * report['known_false_alarm']:.1f} % of the known signals are called "
            f"unknown instead of {100 * known_false_alarm:.3g} %: they differ from those that gave the threshold."
        )
    if report["auroc"] < 0.5:
        doubts.append(
            f"The model scores unknown signals higher than known ones (AUROC {report['auroc']:.2f}): the "
            "threshold finds hardly any of them."
        )
    if report["source"] == "simulated":
        doubts.append(
            "The unknown signals are simulated interferers and noise. Real unknown drones can look more like the "
            "known ones: give recordings of some as unknown_path."
        )
    return doubts


def _measured(known: Scores, unknown: Scores, is_right: NDArray[np.bool_]) -> OpenSetScore:
    is_known = np.repeat([True, False], [len(known), len(unknown)])
    scores = np.concatenate([known, unknown])
    # Without drop_intermediate=False a point between two that are kept would be missed.
    false_rates, true_rates, _ = roc_curve(is_known, scores, drop_intermediate=False)
    return OpenSetScore(
        auroc=float(roc_auc_score(is_known, scores)),
        fpr95=float(false_rates[true_rates >= KEPT].min()),
        oscr=_oscr(known, unknown, is_right),
    )


def _oscr(known: Scores, unknown: Scores, is_right: NDArray[np.bool_]) -> float:
    """Area under the rate of known signals that are kept and named correctly, over that of unknown ones kept.

    Dhamija et al., "Reducing Network Agnostophobia", 2018. Signals that are named wrongly never count as correct,
    so the curve is the ROC curve of the others, scaled by their part.
    """
    right = known[is_right]
    if not len(right):
        return 0.0
    is_known = np.repeat([True, False], [len(right), len(unknown)])
    return float(is_right.mean() * roc_auc_score(is_known, np.concatenate([right, unknown])))
