"""95 % intervals by bootstrap over recordings: the percentiles of a number over resampled recordings.

The windows of one recording are alike, so resampling them one by one would promise too narrow an interval (the
cluster bootstrap: Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rfuav_ray.evaluation.calibration import BINS
from rfuav_ray.evaluation.metrics import Labels, Probabilities

Floats = NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 1000
#: mean average precision sorts all rows for each class, so it has fewer resamples where this many values are more
AP_VALUES, FEWEST_AP_RESAMPLES = 200_000_000, 100
PERCENTILES = (2.5, 97.5)
#: with fewer recordings the interval tends to be too narrow
FEW_RECORDINGS = 10
SEED = 29


def headline_intervals(
    probabilities: Probabilities,
    labels: Labels,
    groups: Labels,
    go_on: Callable[[], None] = lambda: None,
) -> dict[str, Interval]:
    """The 95 % interval of each number of `metrics.headline`.

    Args:
        probabilities: Shape (n, classes).
        labels: True class indices, shape (n,).
        groups: The recording of each row, shape (n,).
        go_on: Called for each resample. It may raise to stop.

    Returns:
        Low and high, by the name of the number. Empty if there is one recording: nothing can be said then.
    """
    names, groups = np.unique(groups, return_inverse=True)
    if len(names) == 1:
        return {}
    rows = WeightedNumbers(probabilities, labels)
    samples = [rows.numbers(weights) for weights in _weights(groups, RESAMPLES, go_on)]
    found = {name: _interval([one[name] for one in samples]) for name in samples[0]}
    count = max(FEWEST_AP_RESAMPLES, min(RESAMPLES, AP_VALUES // probabilities.size))
    precisions = [
        average_precisions(probabilities[:, label], labels == label, _weights(groups, count, go_on))
        for label in np.unique(labels)
    ]
    found["mAP"] = _interval(np.nanmean(precisions, axis=0))
    return found


def accuracy_interval(is_right: NDArray[np.bool_], groups: Labels) -> Interval:
    """The 95 % interval of an accuracy. With one recording it is all of 0 to 1: nothing can be said then.

    Args:
        is_right: Shape (n,).
        groups: The recording of each row, shape (n,).
    """
    names, own = np.unique(groups, return_inverse=True)
    if len(names) == 1:
        return 0.0, 1.0
    right, counts = np.bincount(own, is_right), np.bincount(own)
    rng = np.random.default_rng(SEED)
    drawn = (rng.integers(len(names), size=len(names)) for _ in range(RESAMPLES))
    return _interval([right[some].sum() / counts[some].sum() for some in drawn])


def _weights(groups: Labels, count: int, go_on: Callable[[], None]) -> Iterator[Floats]:
    """For each resample, how often each row was drawn. Recordings are drawn with replacement."""
    rng, recordings = np.random.default_rng(SEED), int(groups.max()) + 1
    for _ in range(count):
        go_on()
        times = np.bincount(rng.integers(recordings, size=recordings), minlength=recordings)
        yield times[groups].astype(np.float64)


def average_precisions(scores: Probabilities, is_own: NDArray[np.bool_], weights: Iterator[Floats]) -> Floats:
    """The average precision of one class, for each of several weights of the rows.

    It is scikit-learn's, which would sort the rows again each time.

    Args:
        scores: Of the class, shape (n,).
        is_own: Whether a row is of the class, shape (n,).
        weights: Each of shape (n,).

    Returns:
        A value for each of the weights; NaN where no row of the class counts.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # of rows with one score
    own_rows = is_own[order]
    values = []
    for each in weights:
        drawn = each[order]
        own, drawn_so_far = np.cumsum(drawn * own_rows)[ends], np.cumsum(drawn)[ends]
        precision = np.divide(own, drawn_so_far, out=np.zeros_like(own), where=drawn_so_far > 0)
        values.append(np.diff(own, prepend=0) @ precision / own[-1] if own[-1] else np.nan)
    return np.array(values)


def _interval(values: Sequence[float] | Floats) -> Interval:
    low, high = np.percentile(values, PERCENTILES)
    return float(low), float(high)


class WeightedNumbers:
    """The numbers of rows that count several times, or not at all: those of scikit-learn with sample weights."""

    def __init__(self, probabilities: Probabilities, labels: Labels) -> None:
        """
        Args:
            probabilities: Shape (n, classes).
            labels: True class indices, shape (n,).
        """
        rows = np.arange(len(labels))
        own = probabilities[rows, labels]
        self.labels, self.predicted = labels, probabilities.argmax(axis=1)
        self.classes = probabilities.shape[1]
        # How many classes are likelier; of equal ones the first is.
        before = np.arange(self.classes) < labels[:, None]
        rank = ((probabilities > own[:, None]) | ((probabilities == own[:, None]) & before)).sum(axis=1)
        self.in_top = {"accuracy": rank < 1, "top3": rank < 3, "top5": rank < 5}
        self.losses = -np.log(np.maximum(own, np.finfo(np.float64).tiny))
        self.confidences = probabilities.max(axis=1)
        inner_edges = np.linspace(0, 1, BINS + 1)[1:-1]
        self.bins = np.searchsorted(inner_edges, self.confidences, side="left")

    def numbers(self, weights: Floats) -> dict[str, float]:
        """All of `metrics.headline` but mAP. `weights` (n,) are not all 0."""
        total, right = weights.sum(), weights * self.in_top["accuracy"]
        numbers = {name: float(weights @ is_in / total) for name, is_in in self.in_top.items()}
        hits, support, named = (
            np.bincount(classes, values, minlength=self.classes)
            for classes, values in (
                (self.labels, right),
                (self.labels, weights),
                (self.predicted, weights),
            )
        )
        present, seen = support > 0, support + named > 0
        numbers["balanced_accuracy"] = float((hits[present] / support[present]).mean())
        numbers["macro_f1"] = float((2 * hits[seen] / (support + named)[seen]).mean())
        numbers["nll"] = float(weights @ self.losses / total)
        gaps = np.bincount(self.bins, right - weights * self.confidences, minlength=BINS)
        numbers["ece"] = float(np.abs(gaps).sum() / total)
        return numbers
