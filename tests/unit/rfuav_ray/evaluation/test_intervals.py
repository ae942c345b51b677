"""Intervals by bootstrap over recordings: their numbers are scikit-learn's, and recordings are drawn whole."""

import numpy as np
import pytest
from sklearn import metrics as sk

from rfuav_ray.evaluation import intervals
from rfuav_ray.evaluation.intervals import accuracy_interval, headline_intervals
from rfuav_ray.evaluation.metrics import headline


def outputs(n, classes, seed=0, decimals=9):
    """Probabilities, with ties if there are few decimals, and labels that they often name."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    logits = rng.normal(size=(n, classes)) + 1.5 * np.eye(classes)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return np.maximum(probabilities.round(decimals), 1e-6), labels


@pytest.mark.parametrize("decimals", [1, 9])
def test_intervals_a_resample_has_the_numbers_of_scikit_learn_with_these_weights(decimals):
    probabilities, labels = outputs(200, 7, decimals=decimals)
    weights = np.random.default_rng(1).integers(0, 3, 200).astype(float)
    found = intervals.WeightedNumbers(probabilities, labels).numbers(weights)
    predicted = probabilities.argmax(axis=1)
    options = {"sample_weight": weights}
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, predicted, **options))
    assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(labels, predicted, **options))
    assert found["macro_f1"] == pytest.approx(sk.f1_score(labels, predicted, average="macro", **options))
    precisions = [
        intervals.average_precisions(probabilities[:, label], labels == label, iter([weights]))[0]
        for label in range(7)
    ]
    expected = [
        sk.average_precision_score(labels == label, probabilities[:, label], **options) for label in range(7)
    ]
    assert precisions == pytest.approx(expected)


@pytest.mark.parametrize("decimals", [1, 9])
def test_intervals_rows_that_count_once_have_the_headline_numbers(decimals):
    probabilities, labels = outputs(300, 6, decimals=decimals)
    found = intervals.WeightedNumbers(probabilities, labels).numbers(np.ones(300))
    assert found == pytest.approx(
        {name: value for name, value in headline(probabilities, labels).items() if name != "mAP"}
    )


def test_intervals_hold_the_numbers_of_all_rows(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 200)
    probabilities, labels = outputs(400, 4)
    numbers = headline(probabilities, labels)
    groups = labels * 1000 + np.arange(400) // 4
    found = headline_intervals(probabilities, labels, groups)
    assert found.keys() == numbers.keys()
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "mAP", "top3", "nll"):
        assert found[name][0] <= numbers[name] <= found[name][1]
    assert found == headline_intervals(probabilities, labels, groups)


def test_intervals_are_wider_by_recording_than_by_window():
    # Ten recordings of 100 windows: seven are right in all windows, and three in none.
    groups = np.arange(1000) // 100
    is_right, one_class = groups < 7, np.zeros(1000, int)
    low, high = accuracy_interval(is_right, one_class, groups)
    assert low <= 0.45 and high >= 0.9
    low, high = accuracy_interval(is_right, one_class, np.arange(1000))
    assert low >= 0.66 and high <= 0.74


def test_intervals_of_classes_of_one_recording_say_nothing():
    probabilities, labels = outputs(20, 3)
    assert headline_intervals(probabilities, labels, labels) == {}
    assert accuracy_interval(np.ones(20, bool), labels, labels) == (0, 1)


def test_intervals_no_resample_lacks_a_class(monkeypatch):
    """A class of one recording of three would be missing in many, and macro F1 would be far too low."""
    monkeypatch.setattr(intervals, "RESAMPLES", 100)
    labels = np.repeat([0, 0, 1], 10)
    probabilities = np.where(np.eye(2)[labels] > 0, 0.9, 0.1)
    found = headline_intervals(probabilities, labels, np.repeat([4, 2, 7], 10))
    assert (found["macro_f1"], found["mAP"], found["balanced_accuracy"]) == ((1, 1), (1, 1), (1, 1))


def test_intervals_can_be_stopped():
    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        probabilities, labels = outputs(20, 3)
        headline_intervals(probabilities, labels, np.arange(20), stop)


@pytest.mark.parametrize(("right", "low", "high"), [(True, 0.6915, 1), (False, 0, 0.3085)])
def test_intervals_of_recordings_that_are_all_right_or_all_wrong_have_a_width(right, low, high):
    # Ten recordings: 0.025 ** (1 / 10), the exact binomial bound.
    labels, groups = np.arange(10) % 2, np.arange(10)
    found = accuracy_interval(np.full(10, right), labels, groups)
    assert found == pytest.approx((low, high), abs=1e-4)
    probabilities = np.eye(2)[labels if right else 1 - labels] * 0.8 + 0.1
    assert headline_intervals(probabilities, labels, groups)["accuracy"] == pytest.approx(found)


def test_intervals_of_recordings_that_are_right_or_wrong_as_a_whole_are_the_exact_binomial_ones():
    # Nine of ten recordings are right. Clopper and Pearson: 0.5550 to 0.9975.
    labels, groups = np.repeat(np.arange(10) % 2, 4), np.repeat(np.arange(10), 4)
    assert accuracy_interval(groups != 3, labels, groups) == pytest.approx((0.5550, 0.9975), abs=1e-4)
    probabilities = np.eye(2)[np.where(groups != 3, labels, 1 - labels)] * 0.8 + 0.1
    found = headline_intervals(probabilities, labels, groups)
    assert found["accuracy"] == pytest.approx((0.5550, 0.9975), abs=1e-4)


def test_intervals_of_recordings_of_unequal_length_are_those_of_the_bootstrap():
    # The share of right rows is not that of right recordings here: 1 of 2 recordings, 9 of 10 rows.
    groups = np.repeat([0, 1], [9, 1])
    low, high = accuracy_interval(groups == 0, np.zeros(10, int), groups)
    assert (low, high) == (0, 1)
    groups = np.repeat(np.arange(20), np.where(np.arange(20) < 10, 9, 1))
    low, high = accuracy_interval(groups < 10, np.zeros(100, int), groups)
    assert low > 0.7 and high < 1
