"""Temperature scaling and calibration errors, on outputs whose truth is known."""

import numpy as np
import pytest

from rfuav_ray.evaluation.calibration import (
    HIGHEST_TEMPERATURE,
    calibrate,
    calibration_doubts,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    softmax,
)


def honest(count=20_000, classes=4, seed=0):
    """Logits, and labels that are drawn from their softmax: the probabilities are true."""
    draws = np.random.default_rng(seed)
    logits = draws.normal(0, 2, (count, classes))
    cumulated = softmax(logits).cumsum(axis=1)
    labels = (draws.random((count, 1)) > cumulated).sum(axis=1).clip(max=classes - 1)
    return logits, labels


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_calibration_the_temperature_undoes_a_factor_on_honest_logits(factor):
    logits, labels = honest()
    assert fit_temperature(logits * factor, labels) == pytest.approx(factor, rel=0.05)


def test_calibration_is_measured_on_the_other_part():
    (fit, fit_labels), (test, test_labels) = honest(seed=1), honest(seed=2)
    found = calibrate(fit * 3, fit_labels, test * 3, test_labels, "half")
    assert found["temperature"] == pytest.approx(3, rel=0.05)
    assert found["ece_before"] > 0.1 and found["ece_after"] < 0.02
    assert found["ece_adaptive_before"] > 0.1 and found["ece_adaptive_after"] < 0.02
    assert found["nll_before"] > found["nll_after"]
    assert found["nll_after"] == pytest.approx(negative_log_likelihood(test, test_labels), rel=0.01)
    assert (found["n_fit"], found["n_test"], found["fitted_on"]) == (20_000, 20_000, "half")


def test_calibration_of_predictions_that_are_all_right_is_left_alone_and_doubtful():
    logits = np.array([[3.0, 0.0], [0.0, 2.0], [1.0, 0.5]])
    labels = np.array([0, 1, 0])
    found = calibrate(logits, labels, logits, labels, "half")
    (doubt,) = calibration_doubts(found)
    assert found["temperature"] == 1 and "tell no better one" in doubt


def test_calibration_of_predictions_that_are_all_wrong_is_at_the_bound_and_doubtful():
    logits, labels = np.array([[9.0, 0.0], [0.0, 9.0]]), np.array([1, 0])
    found = calibrate(logits, labels, logits, labels, "half")
    (doubt,) = calibration_doubts(found)
    assert found["temperature"] == HIGHEST_TEMPERATURE and "upper bound" in doubt


def test_calibration_that_does_harm_on_the_other_part_is_doubtful():
    (fit, fit_labels), (test, test_labels) = honest(2000, seed=1), honest(2000, seed=2)
    assert calibration_doubts(calibrate(fit * 3, fit_labels, test * 3, test_labels, "half")) == []
    (doubt,) = calibration_doubts(calibrate(fit * 3, fit_labels, test, test_labels, "half"))
    assert "makes the probabilities worse" in doubt


def test_calibration_without_anything_to_gain_leaves_the_logits_alone():
    assert fit_temperature(np.zeros((3, 1)), np.zeros(3, int)) == 1
    assert fit_temperature(np.array([[900.0, 0.0]]), np.array([0])) == 1


def test_calibration_softmax_does_not_overflow():
    assert softmax(np.array([[1e4, 0.0]], np.float32)).tolist() == [[1, 0]]
    assert softmax(np.array([[2.0, 0.0]]), 2.0)[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))


def test_calibration_error_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.3, 0.7]])
    labels = np.array([0, 1, 0, 1])
    # Bins: 0.6 right once; 0.7 right once; 0.9 right once in two.
    assert expected_calibration_error(probabilities, labels) == pytest.approx((0.4 + 0.3 + 2 * 0.4) / 4)
    # Two bins of equal counts: 0.65 and 0.9.
    adaptive = expected_calibration_error(probabilities, labels, 2, adaptive=True)
    assert adaptive == pytest.approx((2 * 0.35 + 2 * 0.4) / 4)
    assert [one.n for one in reliability(probabilities, labels)] == [1, 1, 2]


def test_calibration_bins_of_equal_counts_are_never_empty():
    probabilities, labels = softmax(honest(7)[0]), honest(7)[1]
    assert [one.n for one in reliability(probabilities, labels, 15, adaptive=True)] == [1] * 7


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (np.zeros((0, 2)), np.zeros(0, int)),
        (np.zeros((1, 2)), np.array([2])),
        (np.full((1, 2), np.nan), np.array([0])),
    ],
    ids=["nothing", "no such class", "NaN"],
)
def test_calibration_refuses_what_it_cannot_use(logits, labels):
    with pytest.raises(ValueError, match=r"rows|outside|finite"):
        fit_temperature(logits, labels)
