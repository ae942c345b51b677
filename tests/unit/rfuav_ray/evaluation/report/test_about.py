"""What stands beside the numbers of a report."""

import numpy as np
import pytest

from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.evaluation.measured import Measured
from rfuav_ray.evaluation.report.about import about, keeping_warnings
from rfuav_ray.evaluation.scored import Scored
from rfuav_ray.events import RunEvent
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.objects.shown import shown_as
from tests.support.evaluation_numbers import NAMES, numbers_and_about

CONFIG = ModelConfig(model="resnet18", num_classes=len(NAMES), class_names=NAMES)


def request_for(**fields):
    return EvaluationRequest(cfg_path="/m.yaml", weight_path="/w.pth", data_path="/data", **fields)


@pytest.fixture
def measured():
    logits = np.random.default_rng(0).normal(0, 3, (40, len(NAMES))).astype(np.float32)
    labels = logits.argmax(axis=1)
    scored = Scored(logits, labels, np.arange(40), np.full(40, np.nan))
    return Measured(numbers_and_about()[0], scored, scored, scored)


def test_about_names_what_was_asked_for_and_nothing_about_the_queue(measured):
    request = request_for(snr_sweep={"from": -10, "step": 5}, calibrate=True, priority=1, description="for Ann")
    settings = about(request, CONFIG, measured, []).settings
    assert settings["snr_sweep"] == "from -10, to 20, step 5"
    assert settings["calibrate"] is True and settings["known_false_alarm"] == 0.05
    assert (settings["model"], settings["data_path"]) == ("resnet18", "/data")
    assert not {"priority", "description", "task_id", "save_path", "unknown_path"} & settings.keys()


def test_about_names_copies_of_objects_by_their_addresses(measured):
    with shown_as({"/data": "s3://lab/data"}):
        told = about(request_for(), CONFIG, measured, ["'/data/a.png' is odd."])
    assert (told.settings["data_path"], told.warnings) == ("s3://lab/data", ("'s3://lab/data/a.png' is odd.",))


def test_about_shows_the_probabilities_before_and_after(measured):
    (before, first), (after, second) = about(request_for(), CONFIG, measured, []).reliability
    assert before == "before" and after.startswith("with temperature") and first != second
    measured.report["calibration"] = None
    ((title, bins),) = about(request_for(), CONFIG, measured, []).reliability
    assert title == "as it is" and sum(one.n for one in bins) == 40


def test_about_warnings_are_kept_once_and_passed_on(measured):
    events, warnings = [], []
    report = keeping_warnings(warnings, events.append)
    for event in (RunEvent(message="a"), RunEvent(message="b", level="WARNING"), RunEvent(), RunEvent(progress=1)):
        report(event)
    report(RunEvent(message="b", level="WARNING"))
    assert len(events) == 5 and warnings == ["b", "b"]
    assert about(request_for(), CONFIG, measured, warnings).warnings == ("b",)
