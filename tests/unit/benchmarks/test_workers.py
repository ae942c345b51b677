"""The benchmark of workers: its logic, on small trainings."""

import pytest

from benchmarks import workers

pytestmark = pytest.mark.long


def test_workers_measures_the_plain_training_and_both_numbers_of_workers():
    sizes = {"images": 8, "batch_size": 4, "image_size": 32, "epochs": 3, "rounds": 1}
    figures = workers.measure(["mobilenet_v3_small"], device="cpu", workers=2, **sizes)
    assert [figure.work.split(", ")[-1] for figure in figures] == [
        "plain: images/s",
        "workers by torch.distributed: 1: images/s",
        "workers by torch.distributed: 2: images/s",
    ]
    assert all(len(figure.values) == 2 and min(figure.values) > 0 for figure in figures)
