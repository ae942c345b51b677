"""Test data are compared with those of the training, where its report.json is."""

import json
import zlib

import cv2
import numpy as np
import pytest

from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.evaluation.leakage import leakage_of
from rfuav_ray.file_access.roots import confined

within_roots = confined(leakage_of)


@pytest.fixture
def leak(tmp_path):
    events = []

    def leak(test_name, *, report, ratio="", roots=()):
        for part, name in (("train", "flight_a"), ("train", "flight_z"), ("test", test_name)):
            for number in range(2):
                for class_name in ("drone", "remote"):
                    seed = zlib.crc32(f"{part}/{class_name}/{name}".encode())
                    picture = np.random.default_rng([number, seed]).integers(0, 255, (8, 8))
                    inside = ratio if part == "test" else ""
                    path = tmp_path / part / inside / class_name / f"{name}_{number:04}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    assert cv2.imwrite(str(path), picture.astype(np.uint8))
        if report is not None:
            (tmp_path / "report.json").write_text(json.dumps(report).replace("DATA", str(tmp_path)))
        paths = {"cfg_path": "model.yaml", "weight_path": "best_model.pth", "data_path": "test"}
        request = EvaluationRequest(**{name: str(tmp_path / path) for name, path in paths.items()})
        return within_roots(request, ("drone", "remote"), events.append, roots=roots), events

    return leak


def test_leakage_a_recording_on_both_sides_leaks(leak):
    verdict, events = leak("flight_a", report={"request": {"train_path": "DATA/train"}})
    assert verdict["verdict"] == "leaks"
    assert events[-1].level == "WARNING" and "leaks" in events[-1].message


@pytest.mark.parametrize(
    "report",
    [
        *(None, {}, [], {"request": None}),
        *({"request": {"train_path": path}} for path in (5, "train", "/nowhere\0", "/nowhere\ud800")),
    ],
)
def test_leakage_an_unknown_training_has_no_verdict(leak, report):
    verdict, events = leak("flight_a", report=report)
    assert verdict is None and "is not known: there is no report.json" in events[-1].message


def test_leakage_a_training_from_a_bucket_has_no_verdict(leak):
    verdict, events = leak("flight_a", report={"request": {"train_path": "s3://lab/train"}})
    assert verdict is None and "trained on 's3://lab/train', which is in a bucket" in events[-1].message


def test_leakage_a_training_whose_data_are_gone_has_no_verdict(leak):
    verdict, events = leak("flight_a", report={"request": {"train_path": "DATA/gone"}})
    assert verdict is None and "cannot be compared" in events[-1].message


@pytest.mark.parametrize(("name", "expected"), [("flight_a", "leaks"), ("flight_b", "clean")])
def test_leakage_folders_of_ratios_are_compared_class_by_class(leak, name, expected):
    verdict, _ = leak(name, report={"request": {"train_path": "DATA/train"}}, ratio="-10dB")
    assert verdict["verdict"] == expected, verdict


def test_leakage_a_training_outside_of_the_roots_is_not_looked_at(leak, tmp_path, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").mkdir()
    (outside / "secret" / "a.png").touch()
    report = {"request": {"train_path": str(outside)}}
    verdict, events = leak("flight_a", report=report, roots=[tmp_path])
    assert verdict is None and "secret" not in str(events) and "cannot be compared" in events[-1].message
