"""A threshold in model.yaml makes an inference call signals unknown."""

import numpy as np
import pytest
import torch

from rfuav_ray.images.files import read_image
from rfuav_ray.images.transforms import resize
from rfuav_ray.inference.classifier import Classifier
from rfuav_ray.inference.known_scores import described, known_scores
from rfuav_ray.models.config import Calibration, save_model_config
from tests.support.inference_runs import Run

pytestmark = pytest.mark.usefixtures("one_thread")

IMAGES, TEMPERATURE = 20, 2.0


def test_known_scores_by_hand():
    logits = np.array([[2.0, 0.0], [-4.0, -4.0]], np.float32)
    assert known_scores(logits, "max_logit", 3).tolist() == [2, -4]
    assert known_scores(logits, "energy", 1) == pytest.approx([np.log(np.exp(2) + 1), np.log(2) - 4])
    assert known_scores(logits, "energy", 2) == pytest.approx([2 * np.log(np.e + 1), 2 * np.log(2) - 4])
    assert known_scores(logits, "probability", 2) == pytest.approx([1 / (1 + np.exp(-1)), 0.5])
    assert np.isfinite(known_scores(logits * 1e6, "energy", 0.05)).all()


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    """A model whose outputs differ between images, twenty of them, and its outputs."""
    run = Run(tmp_path_factory.mktemp("varied"), model="resnet18")
    run.add_images(*(f"{index:02}.png" for index in range(IMAGES)))
    pictures = [resize(read_image(run.source / f"{index:02}.png"), 32) for index in range(IMAGES)]
    classifier = Classifier(run.config, run.folder / "weights.pth", torch.device("cpu"))
    return run, classifier.logits(pictures)


@pytest.mark.parametrize("score", ["probability", "energy", "max_logit"])
@pytest.mark.parametrize("rate", [0.05, 0.25])
def test_known_scores_a_threshold_gives_the_rate_that_it_was_chosen_for(varied, score, rate):
    run, logits = varied
    scores = known_scores(logits, score, TEMPERATURE)
    threshold = float(np.quantile(scores, rate))
    calibration = Calibration(temperature=TEMPERATURE, score=score, threshold=threshold)
    save_model_config(run.folder / "model.yaml", run.config.model_copy(update={"calibration": calibration}))
    run.events.clear()
    run.infer(fields={"precision": "fp32"})
    unknown = [row["unknown"] for row in run.json()["predictions"]]
    assert unknown == (scores < threshold).tolist() and sum(unknown) == rate * IMAGES
    assert [row["unknown"] for row in run.csv()] == [str(one).lower() for one in unknown]
    (said,) = [text for text in run.messages() if "calls a signal unknown" in text]
    assert f"below {threshold:.6g}" in said
    assert run.messages()[-1].endswith(f" {sum(unknown)} of them are unknown.")


def test_known_scores_without_a_threshold_nothing_is_unknown_and_nothing_is_said(run):
    calibration = Calibration(temperature=TEMPERATURE, score="energy")
    run.config = run.config.model_copy(update={"calibration": calibration})
    save_model_config(run.folder / "model.yaml", run.config)
    run.add_images("a.png")
    run.infer()
    assert run.json()["predictions"][0]["unknown"] is None and described(run.config) == ""
    assert not [text for text in run.messages() if "unknown" in text]
