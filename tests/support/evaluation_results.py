"""The result of an evaluation, with every part."""

from rfuav_ray.api.results import EvaluationResult, OpenSetScore


def evaluation_result() -> EvaluationResult:
    score: OpenSetScore = {"auroc": 0.9, "fpr95": 0.3, "oscr": 0.8}
    return {
        "save_path": "/out",
        "model": "resnet18",
        "files": {"report": "/out/report.json"},
        "n": 100,
        "recordings": 20,
        "accuracy": 0.9,
        "balanced_accuracy": 0.9,
        "macro_f1": 0.89,
        "mAP": 0.95,
        "top3": 1.0,
        "top5": 1.0,
        "nll": 0.3,
        "ece": 0.05,
        "intervals": {"accuracy": (0.85, 0.95)},
        "per_class": [{"class_name": "drone", "precision": 0.9, "recall": 0.8, "f1": 0.847, "support": 50}],
        "confusion_matrix": [[40, 10], [0, 50]],
        "class_names": ["drone", "remote"],
        "by_snr": [{"snr_db": -10.0, "n": 20, "accuracy": 0.5, "low": 0.4, "high": 0.6, "macro_f1": 0.45}],
        "calibration": {
            "temperature": 1.5,
            "ece_before": 0.05,
            "ece_after": 0.02,
            "ece_adaptive_before": 0.06,
            "ece_adaptive_after": 0.03,
            "nll_before": 0.3,
            "nll_after": 0.25,
            "n_fit": 50,
            "n_test": 50,
            "fitted_on": "half",
        },
        "open_set": {
            **score,
            "score": "energy",
            "threshold": 2.5,
            "unknown_rate": 0.7,
            "known_false_alarm": 0.05,
            "n_unknown": 30,
            "source": "simulated",
            "by_score": {"energy": score, "max_logit": score},
        },
        "leakage": {"verdict": "clean", "sentences": ["No recording is in both."]},
        "failed": 0,
        "empty_windows": 0,
        "left_out": {},
    }
