"""Metrics of a classifier on labelled images, from scikit-learn.

Accuracies of a training are in percent; all other scores, and those of an evaluation, are 0 to 1.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from rfuav_ray.api.results import ClassMetrics, Headline, ValidationMetrics
from rfuav_ray.evaluation.calibration import expected_calibration_error

Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]


def evaluate(probabilities: Probabilities, labels: Labels, loss: float) -> ValidationMetrics:
    """Compute every validation metric of `latest_metrics`.

    Macro metrics are means over the classes that occur among the labels or the predictions. mAP is the mean
    one-vs-rest average precision over the classes that have images.

    Args:
        probabilities: Shape (n, classes), finite, n ≥ 1.
        labels: True class indices, shape (n,).
        loss: The validation loss, returned as `val_loss`.

    Raises:
        ValueError: The arrays do not have these shapes and values.
    """
    _check(probabilities, labels)
    predicted = probabilities.argmax(axis=1)
    macro = _precision_recall_f1(labels, predicted, "macro")
    micro = _precision_recall_f1(labels, predicted, "micro")
    ranked = np.argsort(-probabilities, axis=1, kind="stable")
    return {
        "val_loss": float(loss),
        "val_acc": _top_k(ranked, labels, 1),
        "macro_f1": macro[2],
        "micro_f1": micro[2],
        "mAP": _mean_average_precision(probabilities, labels),
        "top1_acc": _top_k(ranked, labels, 1),
        "top3_acc": _top_k(ranked, labels, 3),
        "top5_acc": _top_k(ranked, labels, 5),
        "precision": macro[0],
        "recall": macro[1],
        "macro_precision": macro[0],
        "macro_recall": macro[1],
        "micro_precision": micro[0],
        "micro_recall": micro[1],
    }


def headline(probabilities: Probabilities, labels: Labels) -> Headline:
    """The numbers of an evaluation.

    Macro F1 and mAP are as in `evaluate`. The balanced accuracy is the mean recall of the classes that occur among
    the labels.

    Args:
        probabilities: Shape (n, classes), n ≥ 1; the rows sum to 1.
        labels: True class indices, shape (n,).

    Raises:
        ValueError: The arrays do not have these shapes and values.
    """
    _check(probabilities, labels)
    predicted = probabilities.argmax(axis=1)
    ranked = np.argsort(-probabilities, axis=1, kind="stable")
    own = probabilities[np.arange(len(labels)), labels]
    return {
        "accuracy": float(sk.accuracy_score(labels, predicted)),
        "balanced_accuracy": float(
            sk.recall_score(labels, predicted, labels=np.unique(labels), average="macro", zero_division=0)
        ),
        "macro_f1": macro_f1(predicted, labels),
        "mAP": _mean_average_precision(probabilities, labels),
        "top3": _top_k(ranked, labels, 3) / 100,
        "top5": _top_k(ranked, labels, 5) / 100,
        # scikit-learn's log_loss clips probabilities below 2e-16.
        "nll": float(-np.log(np.maximum(own, np.finfo(np.float64).tiny)).mean()),
        "ece": expected_calibration_error(probabilities, labels),
    }


def macro_f1(predicted: Labels, labels: Labels) -> float:
    """The mean F1 of the classes that occur among the labels or the predictions, both of shape (n,)."""
    return _precision_recall_f1(labels, predicted, "macro")[2]


def per_class(probabilities: Probabilities, labels: Labels, class_names: Sequence[str]) -> list[ClassMetrics]:
    """Precision, recall, F1 and number of images (support) of each class, from arrays as for `evaluate`."""
    _check(probabilities, labels)
    columns = sk.precision_recall_fscore_support(
        labels, probabilities.argmax(axis=1), labels=range(len(class_names)), zero_division=0
    )
    return [
        {
            "class_name": name,
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "support": int(support),
        }
        for name, precision, recall, f1, support in zip(class_names, *columns, strict=True)
    ]


def confusion_matrix(probabilities: Probabilities, labels: Labels) -> NDArray[np.int64]:
    """Counts, shape (classes, classes). Rows are the true classes, columns the predicted ones."""
    _check(probabilities, labels)
    # scikit-learn's confusion_matrix is not used, because it warns if there is only one class.
    matrix = np.zeros((probabilities.shape[1],) * 2, dtype=np.int64)
    np.add.at(matrix, (labels, probabilities.argmax(axis=1)), 1)
    return matrix


def _precision_recall_f1(labels: Labels, predicted: Labels, average: str) -> tuple[float, float, float]:
    precision, recall, f1, _ = sk.precision_recall_fscore_support(
        labels, predicted, average=average, zero_division=0
    )
    return float(precision), float(recall), float(f1)


def _mean_average_precision(probabilities: Probabilities, labels: Labels) -> float:
    return float(
        np.mean([sk.average_precision_score(labels == c, probabilities[:, c]) for c in np.unique(labels)])
    )


def _top_k(ranked: Labels, labels: Labels, k: int) -> float:
    """Percentage of rows whose label is among the k most likely classes; 100 if there are at most k classes."""
    return 100 * float((ranked[:, :k] == labels[:, None]).any(axis=1).mean())


def _check(probabilities: Probabilities, labels: Labels) -> None:
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or labels.size == 0:
        raise ValueError(f"{probabilities.shape} probabilities and {labels.shape} labels are not n ≥ 1 rows.")
    if not np.isfinite(probabilities).all():
        raise ValueError("The probabilities are not all finite.")
    if labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ValueError(f"A label is outside 0..{probabilities.shape[1] - 1}.")
