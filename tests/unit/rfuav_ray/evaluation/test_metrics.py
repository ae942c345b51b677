import math
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from rfuav_ray.evaluation.metrics import confusion_matrix, evaluate, per_class
from tests.support.metric_names import VALIDATION_METRICS


def sure_of(predicted: list[int], classes: int) -> NDArray[np.float32]:
    rows = np.full((len(predicted), classes), 0.1 / classes, dtype=np.float32)
    rows[np.arange(len(predicted)), predicted] += 0.9
    return rows


def test_metrics_every_figure_is_there_as_a_plain_finite_float() -> None:
    figures = evaluate(sure_of([0, 1], 2), np.array([0, 1]), cast("float", np.float32(0.5)))
    assert figures.keys() == set(VALIDATION_METRICS)
    assert all(type(value) is float and math.isfinite(value) for value in figures.values())
    assert figures["val_loss"] == 0.5


def test_metrics_all_right() -> None:
    figures = evaluate(sure_of([2, 0, 1], 3), np.array([2, 0, 1]), 0.1)
    assert figures["val_acc"] == figures["top1_acc"] == figures["top5_acc"] == 100
    assert figures["macro_f1"] == figures["micro_f1"] == figures["mAP"] == 1


def test_metrics_figures_worked_out_by_hand() -> None:
    labels = np.array([0, 0, 0, 1])
    # Class 0: 2 of 3 found, all predictions right. Class 1: found, 1 of 2 predictions right.
    figures = evaluate(sure_of([0, 0, 1, 1], 2), labels, 0.0)
    assert figures["val_acc"] == 75
    assert figures["macro_precision"] == figures["precision"] == pytest.approx((1 + 1 / 2) / 2)
    assert figures["macro_recall"] == figures["recall"] == pytest.approx((2 / 3 + 1) / 2)
    assert figures["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert figures["micro_precision"] == figures["micro_recall"] == figures["micro_f1"] == 0.75


def test_metrics_mean_average_precision_by_hand() -> None:
    # Ranked by class 1: right, wrong, right → (1/1 + 2/3) / 2; by class 0 with one image: at rank 2 → 1/2.
    probabilities = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]])
    figures = evaluate(probabilities, np.array([1, 0, 1]), 0.0)
    assert figures["mAP"] == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2)


def test_metrics_top_k_counts_the_k_likeliest() -> None:
    probabilities = np.array([[0.4, 0.3, 0.15, 0.1, 0.04, 0.01]] * 6)
    figures = evaluate(probabilities, np.arange(6), 0.0)
    assert figures["top1_acc"] == pytest.approx(100 / 6)
    assert figures["top3_acc"] == pytest.approx(300 / 6)
    assert figures["top5_acc"] == pytest.approx(500 / 6)


def test_metrics_equal_probabilities_count_as_one_choice_only() -> None:
    figures = evaluate(np.full((4, 4), 0.25), np.arange(4), 0.0)
    assert figures["val_acc"] == figures["top1_acc"] == 25
    assert figures["top3_acc"] == 75


@pytest.mark.parametrize(("classes", "top3"), [(2, 100), (3, 100), (4, 0)])
def test_metrics_top_k_is_100_with_k_or_fewer_classes(classes: int, top3: float) -> None:
    probabilities = np.array([np.arange(classes, 0, -1) / sum(range(classes + 1))])
    figures = evaluate(probabilities, np.array([classes - 1]), 0.0)
    assert figures["top3_acc"] == top3
    assert figures["top5_acc"] == 100


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("predicted", "labels", "classes"),
    [
        ([0], [0], 1),
        ([0, 0], [0, 0], 1),
        ([1, 1], [0, 0], 2),
        ([0, 0], [0, 1], 2),
        ([3, 3, 3], [0, 1, 2], 37),
        ([36], [36], 37),
    ],
)
def test_metrics_classes_never_predicted_or_without_images_warn_of_nothing(
    predicted: list[int], labels: list[int], classes: int
) -> None:
    probabilities = sure_of(predicted, classes)
    figures = evaluate(probabilities, np.array(labels), 1.0)
    assert all(isinstance(value, float) and math.isfinite(value) for value in figures.values())
    expected = 100 * np.mean(np.array(predicted) == np.array(labels))
    assert figures["val_acc"] == expected
    rows = per_class(probabilities, np.array(labels), [f"c{i}" for i in range(classes)])
    assert len(rows) == classes
    assert confusion_matrix(probabilities, np.array(labels)).shape == (classes, classes)


def test_metrics_one_class_is_perfect() -> None:
    figures = evaluate(np.ones((3, 1), dtype=np.float32), np.zeros(3, dtype=int), 0.0)
    assert figures["val_acc"] == figures["top1_acc"] == 100
    assert figures["mAP"] == figures["macro_f1"] == 1


def test_metrics_per_class_by_hand() -> None:
    rows = per_class(sure_of([0, 0, 1, 1], 3), np.array([0, 0, 0, 1]), ["a", "b", "c"])
    assert rows == [
        {"class_name": "a", "precision": 1.0, "recall": pytest.approx(2 / 3), "f1": 0.8, "support": 3},
        {"class_name": "b", "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1},
        {"class_name": "c", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0},
    ]
    assert all(type(row["support"]) is int and type(row["f1"]) is float for row in rows)


def test_metrics_the_confusion_matrix_has_a_row_for_each_true_class() -> None:
    matrix = confusion_matrix(sure_of([1, 1, 0], 3), np.array([0, 1, 1]))
    assert matrix.tolist() == [[0, 1, 0], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("probabilities", "labels"),
    [
        (np.empty((0, 3)), np.empty(0, dtype=int)),
        (np.ones((2, 3)), np.array([0])),
        (np.ones(3), np.array([0, 1, 2])),
        (np.array([[0.5, math.nan]]), np.array([0])),
        (np.array([[0.5, 0.5]]), np.array([2])),
        (np.array([[0.5, 0.5]]), np.array([-1])),
    ],
)
def test_metrics_what_is_no_table_of_probabilities_is_refused(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64]
) -> None:
    with pytest.raises(ValueError, match=r"probabilities|label"):
        evaluate(probabilities, labels, 0.0)
