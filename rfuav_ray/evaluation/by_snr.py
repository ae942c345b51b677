"""Accuracy by signal-to-noise ratio."""

from collections.abc import Callable

import numpy as np

from rfuav_ray.api.results import SnrPoint
from rfuav_ray.evaluation.intervals import accuracy_interval
from rfuav_ray.evaluation.metrics import macro_f1
from rfuav_ray.evaluation.scored import Scored


def snr_points(scored: Scored, go_on: Callable[[], None] = lambda: None) -> list[SnrPoint]:
    """One point for each ratio of the pictures, in ascending order. Pictures without a ratio do not count.

    `go_on` is called now and then. It may raise to stop.
    """
    ratios = np.unique(scored.snr_db[~np.isnan(scored.snr_db)])
    return [_point(float(ratio), scored.where(scored.snr_db == ratio), go_on) for ratio in ratios]


def _point(snr_db: float, scored: Scored, go_on: Callable[[], None]) -> SnrPoint:
    low, high = accuracy_interval(scored.is_right, scored.labels, scored.groups, go_on)
    return {
        "snr_db": snr_db,
        "n": len(scored),
        "accuracy": float(scored.is_right.mean()),
        "low": low,
        "high": high,
        "macro_f1": macro_f1(scored.logits.argmax(axis=1), scored.labels),
    }
