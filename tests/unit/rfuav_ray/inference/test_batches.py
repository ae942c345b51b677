"""Batches: their sizes, their threads, and the precision that the first of them chooses."""

import threading

import pytest
import torch

from rfuav_ray.errors import RunError
from rfuav_ray.images.files import read_image
from rfuav_ray.inference.classifier import Classifier
from rfuav_ray.models import precision
from tests.support.inference_runs import Run


def test_batches_batches_of_any_size_give_the_same_classes(run):
    run.add_images(*(f"{index}.png" for index in range(7)))
    counts = [run.infer(batch_size=batch_size)["images"] for batch_size in (1, 3, 7, 100)]
    assert counts == [7, 7, 7, 7]
    assert [row["file"] for row in run.csv()] == [f"{index}.png" for index in range(7)]


def test_batches_batches_that_are_computed_beside_each_other_give_what_one_thread_gives(run, three_threads):
    run.add_images(*(f"{index:02}.png" for index in range(15)))
    run.infer(batch_size=2)
    rows = run.json()["predictions"]
    torch.set_num_threads(1)  # `three_threads` puts it back
    run.infer(batch_size=2)
    expected = run.json()["predictions"]
    assert [row["file"] for row in rows] == [row["file"] for row in expected]
    for row, other in zip(rows, expected, strict=True):
        assert row["probability"] == pytest.approx(other["probability"], abs=0.01)


def watch_logits(monkeypatch):
    """Notes the kind of thread and the threads that each batch of pictures is computed with."""
    seen = []
    logits = Classifier.logits

    def watched(self, pictures):
        seen.append((threading.current_thread().name.partition("_")[0], torch.get_num_threads()))
        return logits(self, pictures)

    monkeypatch.setattr(Classifier, "logits", watched)
    return seen


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (9, [("MainThread", 3), *[("classify", 1)] * 4]),
        # None but the second is left: all would idle but one.
        (4, [("MainThread", 3)] * 2),
        (2, [("MainThread", 3)]),
    ],
)
def test_batches_the_first_batch_has_all_threads_and_the_others_share_them(
    run, three_threads, monkeypatch, images, expected
):
    run.add_images(*(f"{index}.png" for index in range(images)))
    seen = watch_logits(monkeypatch)
    run.infer(batch_size=2)
    assert seen == expected
    assert torch.get_num_threads() == 3


def test_batches_the_precision_is_chosen_by_the_first_pictures_wherever_they_are(
    tmp_path, three_threads, monkeypatch
):
    monkeypatch.setattr(precision, "has_fast_bfloat16", lambda device: True)
    run = Run(tmp_path, model="resnet18")
    with torch.no_grad():  # nearly equal classes, far from zero: the rounding of bfloat16 decides
        run.model.get_parameter("fc.weight").mul_(0.01)
        run.model.get_parameter("fc.bias").copy_(torch.linspace(300, 301, 7))
    run.save_weights()
    for index in range(5):
        (run.source / f"{index}.png").write_bytes(b"no image")
    run.add_images(*(f"{index:02}.png" for index in range(50, 60)))
    reporting = set()

    def report(event):
        run.events.append(event)
        reporting.add(threading.current_thread().name)

    run.infer(report=report, batch_size=2)
    assert len([message for message in run.messages("WARNING") if "fp32" in message]) == 1
    assert reporting == {"MainThread"}


def test_batches_weights_that_fail_in_a_thread_fail_the_run_and_end_the_threads(run, three_threads, monkeypatch):
    run.add_images(*(f"{index}.png" for index in range(9)))
    logits = Classifier.logits

    def failing(self, pictures):
        if threading.current_thread().name.startswith("classify"):
            raise RunError("no finite probabilities")
        return logits(self, pictures)

    monkeypatch.setattr(Classifier, "logits", failing)
    with pytest.raises(RunError, match="no finite"):
        run.infer(batch_size=2)
    assert torch.get_num_threads() == 3
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith(("classify", "draw"))]


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_no_more_threads_decode_than_the_run_has(run, three_threads, monkeypatch, threads):
    decoding = set()

    def noted(path):
        decoding.add(threading.current_thread().name)
        return read_image(path)

    monkeypatch.setattr("rfuav_ray.inference.pictures.read_image", noted)
    torch.set_num_threads(threads)  # `three_threads` puts it back
    run.add_images(*(f"{index}.png" for index in range(12)))
    run.infer(batch_size=2)
    assert 1 <= len(decoding) <= threads
