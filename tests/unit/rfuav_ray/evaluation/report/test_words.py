"""The numbers of an evaluation in plain sentences."""

import pytest

from rfuav_ray.evaluation.report.words import confusions, sentences, verdict
from tests.support.evaluation_numbers import numbers_and_about


@pytest.fixture
def numbers():
    return numbers_and_about()[0]


def said(numbers):
    return " ".join(sentences(numbers))


@pytest.mark.parametrize(
    ("found", "tone", "words"),
    [
        ("leaks", "bad", "Do not believe"),
        ("suspicious", "warn", "may be better"),
        ("clean", "good", "No recording of the training"),
    ],
)
def test_words_the_audit_decides_whether_the_numbers_can_be_believed(numbers, found, tone, words):
    numbers["leakage"] = {"verdict": found, "sentences": ["Because."]}
    assert verdict(numbers)[0] == tone and words in verdict(numbers).headline
    assert verdict(numbers).reasons == ["Because."]


def test_words_without_an_audit_nobody_knows(numbers):
    numbers["leakage"] = None
    assert verdict(numbers).tone == "plain" and "not known" in verdict(numbers).headline


def test_words_name_the_accuracy_with_its_interval_and_what_guessing_gives(numbers):
    numbers["accuracy"], numbers["intervals"]["accuracy"] = 0.912, (0.85, 0.95)
    assert "91.2 % of 480 images and windows correctly (95 % interval 85.0 % to 95.0 %, over 24" in said(numbers)
    assert "Always naming the most frequent class would be right in 16.7 %" in said(numbers)
    numbers["intervals"] = {}
    assert "interval" not in sentences(numbers)[0]


def test_words_name_the_weakest_class_and_those_without_data(numbers):
    numbers["per_class"][3]["f1"] = 0.01
    numbers["confusion_matrix"][3] = [1, 2, 70, 7, 0, 0]
    numbers["per_class"][0]["support"] = 0
    assert "weakest class is FutabaT14SG" in said(numbers) and "taken for FrSky X20" in said(numbers)
    assert "1 of the 6 classes of the model have no data here" in said(numbers)


def test_words_say_from_which_ratio_on_the_model_can_be_relied_on(numbers):
    assert "ratio of 4 dB on, the accuracy stays above 90 %" in said(numbers)
    assert "Up to -10 dB the model may be no better than guessing" in said(numbers)
    for point in numbers["by_snr"]:
        point["accuracy"], point["low"] = 0.99, 0.98
    assert "ratio of -20 dB on" in said(numbers) and "guessing" not in said(numbers)
    for point in numbers["by_snr"]:
        point["accuracy"], point["low"] = 0.2, 0.1
    assert "does not stay above 90 %" in said(numbers) and "Up to 20 dB the model may be" in said(numbers)
    numbers["by_snr"] = []
    assert "ratio" not in said(numbers)


def test_words_the_most_frequent_mistakes_come_first(numbers):
    numbers["confusion_matrix"] = [[0] * 6 for _ in range(6)]
    assert confusions(numbers) == []
    numbers["confusion_matrix"][1] = [3, 7, 0, 0, 0, 0]
    numbers["confusion_matrix"][2] = [0, 5, 0, 0, 0, 5]
    first, *_ = found = confusions(numbers)
    assert first == ("FrSky X20", "DJI Mini 4 Pro", 5, 0.5) and len(found) == 3
