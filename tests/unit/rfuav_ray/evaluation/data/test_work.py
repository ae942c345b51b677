"""The pictures of an evaluation are in one order."""

from pathlib import Path

import numpy as np
import pytest

from rfuav_ray.errors import InvalidInput
from rfuav_ray.evaluation.data.work import MAX_PICTURES, Labelled, Work, check_size, numbered
from rfuav_ray.inference.pictures import ImageFile


def image(name, part, **options):
    return Labelled(ImageFile(name, Path(name)), name, part, 0, 0, **options)


def test_work_pictures_of_a_sweep_know_their_clean_ones():
    work = Work(
        [image("a", "test"), image("b", "test"), image("a", "sweep", clean=0), image("b", "sweep", clean=1)]
    )
    assert work.clean_pictures().tolist() == [0, 1, 0, 1]
    assert work.part("sweep").tolist() == [False, False, True, True]
    assert work.described == "2 images and windows, 2 with noise added"


def test_work_numbered_numbers_names_in_their_order():
    assert numbered(["b", "a", "b"]) == [0, 1, 0]
    assert np.isnan(image("a", "test").snr_db)


@pytest.mark.parametrize(("pictures", "classes"), [(MAX_PICTURES + 1, 2), (201_000, 1000)])
def test_work_more_pictures_than_memory_holds_are_refused(pictures, classes):
    check_size(MAX_PICTURES, 2, field="data_path")
    with pytest.raises(InvalidInput, match="at most with") as refusal:
        check_size(pictures, classes, field="snr_sweep")
    assert refusal.value.field == "snr_sweep"
