"""Scores of unknown signals, on outputs whose truth is known."""

import numpy as np
import pytest

from rfuav_ray.evaluation.open_set import compare, open_set_doubts

CLASSES = 4


def known(count, seed, strength=6.0):
    """Logits of a model that responds to one class, right in most cases, and the labels."""
    draws = np.random.default_rng(seed)
    labels = draws.integers(CLASSES, size=count)
    logits = draws.normal(0, 1, (count, CLASSES)).astype(np.float32)
    logits[np.arange(count), labels] += strength
    return logits, labels


def unknown(count, seed):
    """Logits of a model that responds to nothing."""
    return np.random.default_rng(seed).normal(0, 1, (count, CLASSES)).astype(np.float32)


def compared(alarm=0.05, other=None, strength=6.0, temperature=1.0):
    fit, (test, labels) = known(2000, 1, strength)[0], known(2000, 2, strength)
    others = unknown(1000, 3) if other is None else other
    return compare(fit, test, labels, others, temperature, alarm, "unknown_path")


@pytest.mark.parametrize("alarm", [0.01, 0.05, 0.2])
def test_open_set_the_threshold_gives_the_stated_false_alarms_on_fresh_signals(alarm):
    found = compared(alarm)
    assert found["known_false_alarm"] == pytest.approx(alarm, abs=0.02)
    assert found["unknown_rate"] > 0.95 and found["auroc"] > 0.99 and found["fpr95"] < 0.05
    assert found["n_unknown"] == 1000


def test_open_set_the_better_score_is_chosen():
    # Weak in every class: the sum of all responses shows what the largest one hides.
    found = compared(strength=2.0)
    best = max(found["by_score"], key=lambda score: found["by_score"][score]["auroc"])
    assert found["score"] == best and found["auroc"] == found["by_score"][best]["auroc"]
    assert set(found["by_score"]) == {"energy", "max_logit"}


def test_open_set_oscr_is_the_area_under_its_curve():
    # `compare` takes it from the ROC curve. Here it is integrated from the definition.
    test, labels = known(300, 4, 1.5)
    found = compare(test, test, labels, unknown(200, 5), 1.0, 0.05, "unknown_path")
    scores, others = test.max(axis=1), unknown(200, 5).max(axis=1)
    is_right = test.argmax(axis=1) == labels
    points = [(0.0, 0.0)]
    for threshold in sorted({*scores, *others}, reverse=True):
        points.append(((others >= threshold).mean(), (is_right & (scores >= threshold)).mean()))
    area = np.trapezoid([y for _, y in points], [x for x, _ in points])
    assert found["by_score"]["max_logit"]["oscr"] == pytest.approx(area)
    assert found["oscr"] < is_right.mean() < 0.9


def test_open_set_fpr95_keeps_95_of_100_known():
    logits = np.arange(100, 0, -1.0)[:, None] * [1.0, 0.0]
    # 5 known lie below 5.5, and 3 of 4 unknown above it.
    others = np.array([[2.0, 0.0], [20.5, 0.0], [50.5, 0.0], [6.5, 0.0]])
    found = compare(logits, logits, np.zeros(100, int), others, 1.0, 0.05, "unknown_path")
    assert found["by_score"]["max_logit"]["fpr95"] == 0.75


def test_open_set_without_a_correct_prediction():
    test, labels = known(50, 6)
    found = compare(test, test, (labels + 1) % CLASSES, unknown(50, 7), 1.0, 0.05, "unknown_path")
    assert found["oscr"] == 0 and found["auroc"] > 0.9


def test_open_set_doubts_are_told():
    assert open_set_doubts(compared(), 2000, 20, 0.05) == []
    (few,) = open_set_doubts(compared(), 99, 20, 0.05)
    (alike,) = open_set_doubts(compared(), 2000, 19, 0.05)
    assert "99 known signals of 20 recordings; 100 of 20 or more" in few and "19 recordings" in alike
    (other,) = open_set_doubts(compared(0.2), 2000, 20, 0.05)
    assert "% of the known signals are called unknown instead of 5 %" in other
    loud = known(500, 8, 20.0)[0]
    assert "higher than known" in open_set_doubts(compared(other=loud), 2000, 20, 0.05)[0]
    simulated = compared()
    simulated["source"] = "simulated"
    assert "simulated" in open_set_doubts(simulated, 2000, 20, 0.05)[0]


@pytest.mark.parametrize("empty", range(3))
def test_open_set_needs_every_part(empty):
    parts = [known(5, 1)[0], known(5, 2)[0], unknown(5, 3)]
    parts[empty] = parts[empty][:0]
    with pytest.raises(ValueError, match="needs known signals in both parts"):
        compare(parts[0], parts[1], np.zeros(len(parts[1]), int), parts[2], 1.0, 0.05, "simulated")
