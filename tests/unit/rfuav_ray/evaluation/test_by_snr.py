"""One point for each ratio."""

import numpy as np
import pytest

from rfuav_ray.evaluation.by_snr import snr_points
from rfuav_ray.evaluation.scored import Scored


def test_by_snr_points_are_in_ascending_order_and_count_what_has_a_ratio():
    logits = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 0]], np.float32)
    scored = Scored(
        logits, np.array([0, 1, 1, 1, 0]), np.arange(5), np.array([10, -10, 10, -10, np.nan]), ["a"] * 5
    )
    low, high = snr_points(scored)
    assert (low["snr_db"], low["n"], low["accuracy"], low["macro_f1"]) == (-10, 2, 0.5, 1 / 3)
    # One recording of two: the exact binomial interval.
    assert (low["low"], low["high"]) == pytest.approx((0.0126, 0.9874), abs=1e-4)
    assert (high["snr_db"], high["n"], high["accuracy"], high["macro_f1"]) == (10, 2, 1, 1)
