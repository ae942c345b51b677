"""The numbers of an evaluation that never was: every part of a report has something to show."""

from collections.abc import Sequence

import numpy as np

from rfuav_ray.api.results import EvaluationReport
from rfuav_ray.evaluation.calibration import calibrate, reliability, softmax
from rfuav_ray.evaluation.metrics import confusion_matrix, headline, per_class
from rfuav_ray.evaluation.open_set import compare
from rfuav_ray.evaluation.report.files import About

NAMES = ("DJI Mavic 3", "DJI Mini 4 Pro", "FrSky X20", "FutabaT14SG", "<b>Skydio & co</b>", "Autel EVO II")
PER_CLASS = 80


def numbers_and_about(names: Sequence[str] = NAMES, *, strength: float = 2.2) -> tuple[EvaluationReport, About]:
    """Numbers of a model that is right more or less often and too sure of itself, and what stands beside them."""
    draws = np.random.default_rng(29)
    labels = np.repeat(np.arange(len(names)), PER_CLASS)
    logits = draws.normal(0, 1, (len(labels), len(names)))
    logits[np.arange(len(labels)), labels] += strength + draws.normal(0, 0.6, len(labels))
    logits *= 4
    fit, test = slice(0, None, 2), slice(1, None, 2)
    calibration = calibrate(logits[fit], labels[fit], logits[test], labels[test], "half")
    temperature = calibration["temperature"]
    unknown = draws.normal(0, 1.5, (150, len(names)))
    probabilities = softmax(logits)
    found = headline(probabilities, labels)
    ratios_db = range(-20, 21, 2)
    accuracies = [1 / len(names) + (0.97 - 1 / len(names)) / (1 + np.exp(-(one + 3) / 2.5)) for one in ratios_db]
    numbers: EvaluationReport = {
        **found,
        "n": len(labels),
        "recordings": 24,
        "intervals": {key: (max(0.0, value - 0.03), min(1.0, value + 0.02)) for key, value in found.items()},  # type: ignore[operator]
        "per_class": per_class(probabilities, labels, names),
        "confusion_matrix": confusion_matrix(probabilities, labels).tolist(),
        "class_names": list(names),
        "by_snr": [
            {
                "snr_db": float(ratio_db),
                "n": len(labels),
                "accuracy": float(accuracy),
                "low": float(max(0, accuracy - 0.05)),
                "high": float(min(1, accuracy + 0.04)),
                "macro_f1": float(accuracy - 0.02),
            }
            for ratio_db, accuracy in zip(ratios_db, accuracies, strict=True)
        ],
        "calibration": calibration,
        "open_set": compare(logits[fit], logits[test], labels[test], unknown, temperature, 0.05, "simulated"),
        "leakage": {
            "verdict": "suspicious",
            "sentences": ["3 classes are one recording each: a random split says nothing about other recordings."],
        },
        "failed": 2,
        "empty_windows": 41,
        "left_out": {"other_suffix": 7, "other_class": 1},
    }
    panels = [
        ("before", reliability(probabilities[test], labels[test])),
        ("after", reliability(softmax(logits[test], temperature), labels[test])),
    ]
    settings = {"data_path": "/data/RF & drones/<test>", "device": "cuda", "known_false_alarm": 0.05}
    warnings = ["2 windows could not be read.", "The data are of 24 recordings."]
    return numbers, About("resnet50", settings, warnings, panels)
