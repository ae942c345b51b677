"""Verdicts and segments from the probabilities of windows."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfuav_ray.inference.results.verdicts import BELOW_THRESHOLD, SWITCH, TEMPERATURES_BELOW, WindowVotes
from rfuav_ray.models.config import Calibration

NAMES = ("a", "b", "c")
A, B = (0.8, 0.1, 0.1), (0.1, 0.8, 0.1)


def votes(*windows, threshold=None):
    collected = WindowVotes(NAMES, Calibration(threshold=threshold))
    for probabilities in windows:
        collected.add(probabilities)
    return collected


def spans(collected):
    return [(one["class_name"], first, last) for one, first, last in collected.segments(float)]


def test_verdicts_the_class_of_the_highest_mean_wins():
    verdict = votes(A, A, B, (0.0, 1.0, 0.0), (0.0, 0.9, 0.1)).verdict()
    assert verdict == {"class_name": "b", "probability": 0.58, "share": 0.6, "unknown": None}


def test_verdicts_windows_without_a_signal_count_for_the_share_alone():
    assert votes(None, A, None, A).verdict() == {
        "class_name": "a",
        "probability": 0.8,
        "share": 0.5,
        "unknown": None,
    }
    assert votes(None, None).verdict() is None


def test_verdicts_neighbours_of_one_class_are_a_segment():
    collected = votes(A, A, None, A, B, B)
    assert spans(collected) == [("a", 0, 1), ("a", 3, 3), ("b", 4, 5)]
    first, *_ = collected.segments(lambda frame: frame * 0.5)
    assert first[0] == {"start_s": 0, "end_s": 1, "class_name": "a", "probability": 0.8}


def test_verdicts_a_single_window_of_another_class_does_not_end_a_segment():
    flicker = (0.3, 0.7, 0.0)
    assert spans(votes(A, A, flicker, A, A)) == [("a", 0, 4)]
    assert spans(votes(A, A, B, B, B, A, A)) == [("a", 0, 1), ("b", 2, 4), ("a", 5, 6)]


def test_verdicts_windows_that_barely_prefer_another_class_do_not_end_a_segment():
    barely = (0.5 - 0.9 * SWITCH / 2, 0.5 + 0.9 * SWITCH / 2, 0.0)
    clearly = (0.5 - 1.1 * SWITCH / 2, 0.5 + 1.1 * SWITCH / 2, 0.0)
    assert spans(votes(A, A, *[barely] * 5, A)) == [("a", 0, 7)]
    assert spans(votes(A, A, *[clearly] * 5)) == [("a", 0, 2), ("b", 3, 6)]


def test_verdicts_a_border_between_two_signals_does_not_move():
    assert spans(votes(*[A] * 5, *[B] * 4)) == [("a", 0, 4), ("b", 5, 8)]
    assert spans(votes(None, A, None)) == [("a", 1, 1)]


def test_verdicts_unknown_windows_begin_no_segment_and_end_one_when_they_are_far_below():
    nearly, far = (0.7 - BELOW_THRESHOLD / 2, 0.2, 0.1), (0.7 - 2 * BELOW_THRESHOLD, 0.3, 0.2)
    assert spans(votes(nearly, nearly, threshold=0.7)) == []
    windows = [A, A, *[nearly] * 3, *[far] * 3, A, A]
    assert spans(votes(*windows, threshold=0.7)) == [("a", 0, 4), ("a", 8, 9)]


def scored(*scores, score="energy"):
    """Windows that all prefer class a, whatever their scores are. The threshold is 10, the temperature 2."""
    collected = WindowVotes(NAMES, Calibration(temperature=2, score=score, threshold=10))
    for one in scores:
        collected.add(None if one is None else A, one)
    return collected


@pytest.mark.parametrize("score", ["energy", "max_logit"])
def test_verdicts_other_scores_decide_instead_of_the_probability(score):
    assert scored(9, 9, 12, score=score).verdict()["unknown"] is True
    assert scored(9, 12, 12, score=score).verdict()["unknown"] is False
    assert scored(*[12] * 3, *[2] * 3, None, *[12] * 2, score=score).verdict()["class_name"] == "a"
    assert spans(scored(*[12] * 3, *[2] * 3, None, *[12] * 2, score=score)) == [("a", 0, 1), ("a", 7, 8)]


def test_verdicts_a_segment_goes_on_a_little_below_the_threshold_of_another_score():
    nearly, far = 10 - 0.9 * TEMPERATURES_BELOW * 2, 10 - 1.1 * TEMPERATURES_BELOW * 2
    assert spans(scored(nearly, nearly)) == []
    assert spans(scored(20, 20, *[nearly] * 3)) == [("a", 0, 4)]
    assert spans(scored(20, 20, *[far] * 3)) == [("a", 0, 2)]


@pytest.mark.parametrize(("unknown", "expected"), [(1, False), (2, False), (3, True)])
def test_verdicts_most_windows_decide_whether_a_recording_is_unknown(unknown, expected):
    windows = [(0.4, 0.3, 0.3)] * unknown + [A] * (4 - unknown)
    assert votes(*windows, threshold=0.7).verdict()["unknown"] is expected


WINDOWS = st.lists(
    st.none() | st.tuples(*[st.floats(0.01, 1)] * 3).map(lambda some: tuple(one / sum(some) for one in some)),
    max_size=40,
)


@given(WINDOWS, st.none() | st.floats(0, 1))
def test_verdicts_segments_are_in_order_and_do_not_overlap(windows, threshold):
    collected = votes(*windows, threshold=threshold)
    found = spans(collected)
    assert all(first <= last for _, first, last in found)
    assert all(one[2] < other[1] for one, other in pairwise(found))
    in_segments = {frame for _, first, last in found for frame in range(first, last + 1)}
    assert not any(windows[frame] is None for frame in in_segments)
    if threshold is None:
        assert len(in_segments) == sum(window is not None for window in windows)
