"""The numbers of a training, as clients get them: `latest_metrics` of each epoch, the best epoch, the result."""

from typing import TypedDict

from rfuav_ray.evaluation.metrics import ClassMetrics, ValidationMetrics


class EpochMetrics(ValidationMetrics):
    """The `latest_metrics` of a training task after an epoch. Accuracies are in percent, losses are means."""

    #: 1-based
    epoch: int
    total_epochs: int
    train_loss: float
    train_acc: float
    learning_rate: float
    #: the highest `val_acc` so far
    best_acc: float
    images_per_second: float


class BestEpoch(TypedDict):
    #: 1-based
    epoch: int
    metrics: EpochMetrics
    per_class: list[ClassMetrics]
    #: counts; rows are the true classes, columns the predicted ones
    confusion_matrix: list[list[int]]


class TrainingResult(TypedDict):
    """The `result` of a completed training task."""

    save_path: str
    epochs: int
    best_epoch: int
    best_acc: float
    #: those of the last epoch
    metrics: EpochMetrics
    #: images of both passes, per second of the epochs
    images_per_second: float
    #: the paths of `rfuav_ray.outputs.artifacts.TRAINING_FILES`, by their keys
    files: dict[str, str]
