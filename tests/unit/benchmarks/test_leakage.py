"""The splits that the benchmark of leakage compares, and how the SNR curve is judged."""

import pytest

from benchmarks.leakage import CLASSES, RECORDINGS, WINDOWS, _splits
from benchmarks.snr_curve import _falls

NAMES = {
    name: [
        f"{name}/rec{recording}_{window:05d}.png" for recording in range(RECORDINGS) for window in range(WINDOWS)
    ]
    for name in CLASSES
}


@pytest.mark.parametrize("seed", range(3))
def test_leakage_splits_divide_all_images_alike(seed):
    for folds in _splits(NAMES, seed).values():
        for fold in folds:
            assert sorted([*fold["train"], *fold["valid"]]) == sorted(
                image for names in NAMES.values() for image in names
            )
            assert len(fold["valid"]) == len(CLASSES) * WINDOWS


def test_leakage_only_the_random_split_shares_recordings():
    def shared(fold):
        train, valid = ({image.rpartition("_")[0] for image in fold[part]} for part in ("train", "valid"))
        return train & valid

    splits = _splits(NAMES, 0)
    assert shared(splits["random"][0])
    assert not any(shared(fold) for split in ("by recording", "each left out once") for fold in splits[split])
    assert len(splits["each left out once"]) == RECORDINGS


def test_snr_curve_only_a_sure_fall_counts():
    def point(low, high):
        return {"snr_db": 0.0, "n": 1, "accuracy": 0.5, "low": low, "high": high, "macro_f1": 0.5}

    assert _falls([point(0.1, 0.2), point(0.3, 0.6), point(0.2, 0.4)]) == 0
    assert _falls([point(0.1, 0.2), point(0.5, 0.6), point(0.2, 0.4), point(0.5, 0.9)]) == 1
