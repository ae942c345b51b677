"""Two halves of the labelled data: temperature and threshold are fitted on one, and the other measures them."""

import numpy as np

from rfuav_ray.evaluation.scored import Scored

SEED = 29


def halves(scored: Scored) -> tuple[Scored, Scored]:
    """Split by recording, in each class for itself. Of an odd number the measuring half has one more.

    Returns:
        The half to fit on, and the half that measures. The first is empty if each class is one recording.
    """
    rng = np.random.default_rng(SEED)
    fit: list[int] = []
    for label in np.unique(scored.labels):
        recordings = rng.permutation(np.unique(scored.groups[scored.labels == label]))
        fit += recordings[: len(recordings) // 2].tolist()
    is_fit = np.isin(scored.groups, fit)
    return scored.where(is_fit), scored.where(~is_fit)
