"""Accuracy by signal-to-noise ratio."""

import numpy as np

from rfuav_ray.api.results import SnrPoint
from rfuav_ray.evaluation.intervals import accuracy_interval
from rfuav_ray.evaluation.metrics import macro_f1
from rfuav_ray.evaluation.scored import Scored


def snr_points(scored: Scored) -> list[SnrPoint]:
    """One point for each ratio of the pictures, in ascending order. Pictures without a ratio do not count."""
    ratios = np.unique(scored.snr_db[~np.isnan(scored.snr_db)])
    return [_point(float(ratio), scored.where(scored.snr_db == ratio)) for ratio in ratios]


def _point(snr_db: float, scored: Scored) -> SnrPoint:
    low, high = accuracy_interval(scored.is_right, scored.labels, scored.groups)
    return {
        "snr_db": snr_db,
        "n": len(scored),
        "accuracy": float(scored.is_right.mean()),
        "low": low,
        "high": high,
        "macro_f1": macro_f1(scored.logits.argmax(axis=1), scored.labels),
    }
