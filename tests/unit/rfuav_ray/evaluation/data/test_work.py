"""The pictures of an evaluation are in one order."""

from pathlib import Path

import numpy as np

from rfuav_ray.evaluation.data.work import Labelled, Work, numbered
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
