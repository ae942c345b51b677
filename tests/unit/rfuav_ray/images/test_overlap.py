"""Folders that may not lie in one another."""

from pathlib import Path

import pytest

from rfuav_ray.errors import InvalidInput
from rfuav_ray.images.overlap import check_apart, check_output, check_results, shared_classes


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for part in ("train", "val", "train-more"):
        (tmp_path / part / "A").mkdir(parents=True)
    (tmp_path / "link").symlink_to("train")
    return tmp_path


@pytest.mark.parametrize(
    ("train", "val"), [("train", "train"), ("train", "link"), ("train", "train/A"), ("val/A", "val"), (".", "val")]
)
def test_overlap_training_and_validation_lie_apart(data: Path, train: str, val: str) -> None:
    check_apart(data / "train", data / "train-more")
    with pytest.raises(InvalidInput) as refused:
        check_apart(data / train, data / val)
    assert refused.value.field == "val_path"


@pytest.mark.parametrize("results", ["train", "train/run1", "train/A", "val/A/x/y", "link/new", "store/A/run"])
def test_overlap_results_do_not_lie_among_images(data: Path, results: str) -> None:
    (data / "store" / "A").mkdir(parents=True)
    (data / "val" / "linked").symlink_to(data / "store" / "A")
    for good in ("out", "train-more/out", ".", "store"):
        check_results(data / "train", data / "val", data / good)
    with pytest.raises(InvalidInput, match="Choose another folder") as refused:
        check_results(data / "train", data / "val", data / results)
    assert refused.value.field == "save_path"


def test_overlap_an_output_does_not_lie_in_its_input(data: Path) -> None:
    check_output(data / "train", data / "train-out")
    check_output(data / "train" / "A", data / "train")
    for output in ("train", "train/out", "link/out"):
        with pytest.raises(InvalidInput) as refused:
            check_output(data / "train", data / output)
        assert refused.value.field == "output_path"


def test_overlap_classes_that_are_the_same_folder_are_known(data: Path) -> None:
    assert shared_classes(data / "train", data / "val", ["A"]) == []
    (data / "val" / "B").symlink_to(data / "train" / "B")
    (data / "train" / "B").mkdir()
    assert shared_classes(data / "train", data / "val", ["A", "B"]) == ["B"]
