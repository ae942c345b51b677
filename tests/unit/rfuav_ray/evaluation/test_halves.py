"""The halves of the data share no recording."""

import numpy as np

from rfuav_ray.evaluation.halves import halves
from rfuav_ray.evaluation.scored import Scored


def scored(groups, labels):
    count = len(groups)
    return Scored(
        np.zeros((count, 2), np.float32), np.array(labels), np.array(groups), np.full(count, np.nan), [""] * count
    )


def test_halves_share_no_recording_and_halve_each_class():
    groups = np.repeat(np.arange(10), 3)
    fit, measuring = halves(scored(groups, (groups < 4).astype(int)))
    assert not set(fit.groups) & set(measuring.groups)
    assert sorted({*fit.groups, *measuring.groups}) == list(range(10))
    assert [sum(group < 4 for group in set(half.groups)) for half in (fit, measuring)] == [2, 2]
    assert (len(fit), len(measuring)) == (15, 15)


def test_halves_an_odd_recording_measures_and_one_recording_cannot_be_halved():
    fit, measuring = halves(scored([0, 1, 2], [0, 0, 0]))
    assert (len(fit), len(measuring)) == (1, 2)
    fit, measuring = halves(scored([0, 0, 1], [0, 0, 1]))
    assert (len(fit), len(measuring)) == (0, 3)
