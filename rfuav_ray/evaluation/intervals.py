"""95 % intervals by bootstrap over recordings: the percentiles of a number over resampled recordings.

The windows of one recording are alike, so resampling them one by one would promise too narrow an interval (the
cluster bootstrap: Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8). In each
class as many recordings are drawn as it has. Where each recording is right or wrong as a whole, right answers are
counted by recording, and the interval of their share is the exact binomial one (Clopper and Pearson, 1934): that
of a bootstrap is too narrow for few recordings, and has no width where all are right.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from rfuav_ray.evaluation.calibration import BINS
from rfuav_ray.evaluation.metrics import Labels, Probabilities

Floats = NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 1000
#: mean average precision sorts all rows for each class, so it has fewer resamples where this many values are more
AP_VALUES, FEWEST_AP_RESAMPLES = 200_000_000, 100
CONFIDENCE = 0.95
PERCENTILES = (2.5, 97.5)
#: with fewer recordings of a class the interval tends to be too narrow
FEW_RECORDINGS = 5
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
        Low and high, by the name of the number. Empty if each class is one recording: nothing can be said then.
    """
    recordings = _Recordings(labels, groups)
    if not recordings.can_vary:
        return {}
    rows = WeightedNumbers(probabilities, labels)
    samples = [rows.numbers(weights) for weights in recordings.weights(RESAMPLES, go_on)]
    found = {name: _interval([one[name] for one in samples]) for name in samples[0]}
    found |= {name: recordings.exact(rows.in_top[name]) or found[name] for name in rows.shares}
    count = max(FEWEST_AP_RESAMPLES, min(RESAMPLES, AP_VALUES // probabilities.size))
    precisions = [
        average_precisions(probabilities[:, label], labels == label, recordings.weights(count, go_on))
        for label in np.unique(labels)
    ]
    found["mAP"] = _interval(np.nanmean(precisions, axis=0))
    return found


def accuracy_interval(
    is_right: NDArray[np.bool_],
    labels: Labels,
    groups: Labels,
    go_on: Callable[[], None] = lambda: None,
) -> Interval:
    """The 95 % interval of an accuracy. If each class is one recording it is all of 0 to 1.

    Args:
        is_right: Shape (n,).
        labels: True class indices, shape (n,).
        groups: The recording of each row, shape (n,).
        go_on: Called for each resample. It may raise to stop.
    """
    recordings = _Recordings(labels, groups)
    if not recordings.can_vary:
        return 0.0, 1.0
    if exact := recordings.exact(is_right):
        return exact
    right, counts = recordings.counts(is_right)
    shares = []
    for times in recordings.draws(RESAMPLES):
        go_on()
        shares.append(float(times @ right / (times @ counts)))
    return _interval(shares)


class _Recordings:
    """The recordings of some rows, drawn with replacement in each class for itself.

    Drawn from all classes together, a small class would be missing in many resamples, and its F1 would be 0.
    """

    def __init__(self, labels: Labels, groups: Labels) -> None:
        _, first, self.of_row = np.unique(groups, return_index=True, return_inverse=True)
        classes = labels[first]
        self._order = np.argsort(classes, kind="stable")
        _, starts, of_class, sizes = np.unique(
            classes[self._order], return_index=True, return_inverse=True, return_counts=True
        )
        self._starts, self._sizes = starts[of_class], sizes[of_class]

    @property
    def can_vary(self) -> bool:
        """Whether a class has several."""
        return bool(self._sizes.max() > 1)

    def counts(self, is_right: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """How many rows of each recording are right, and how many it has."""
        rows = np.bincount(self.of_row)
        right = np.bincount(self.of_row[is_right], minlength=len(rows))
        return right.astype(np.float64), rows.astype(np.float64)

    def exact(self, is_right: NDArray[np.bool_]) -> Interval | None:
        """The binomial interval of the share of right rows, if recordings can be counted instead of rows."""
        right, rows = self.counts(is_right)
        are_whole = (right == 0) | (right == rows)
        is_share_of_recordings = np.ptp(rows) == 0 or right.sum() in (0, rows.sum())
        if not (are_whole.all() and is_share_of_recordings):
            return None
        found = binomtest(int((right > 0).sum()), len(rows)).proportion_ci(CONFIDENCE, method="exact")
        return float(found.low), float(found.high)

    def draws(self, count: int) -> Iterator[Floats]:
        """For each resample, how often each recording was drawn."""
        rng, total = np.random.default_rng(SEED), len(self._order)
        for _ in range(count):
            drawn = self._order[self._starts + (rng.random(total) * self._sizes).astype(np.int64)]
            yield np.bincount(drawn, minlength=total).astype(np.float64)

    def weights(self, count: int, go_on: Callable[[], None]) -> Iterator[Floats]:
        """For each resample, how often each row was drawn."""
        for times in self.draws(count):
            go_on()
            yield times[self.of_row]


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
        #: of them those that could be below 1: among the first 3 of 3 classes is every one
        self.shares = [name for name, k in (("accuracy", 1), ("top3", 3), ("top5", 5)) if self.classes > k]
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
