"""The numbers of a training: the metrics of each epoch, its result, and the content of report.json."""

from typing import Any, NotRequired, final

from typing_extensions import TypedDict

from rfuav_ray.api.results.audit import AuditVerdict
from rfuav_ray.api.results.runs import FailedFile, RunResult


class ValidationMetrics(TypedDict):
    """The metrics of a validation pass. Accuracies are in percent, the others are 0 to 1, `val_loss` is a mean."""

    val_loss: float
    val_acc: float
    macro_f1: float
    micro_f1: float
    mAP: float
    top1_acc: float
    top3_acc: float
    top5_acc: float
    precision: float
    recall: float
    macro_precision: float
    macro_recall: float
    micro_precision: float
    micro_recall: float


class ClassMetrics(TypedDict):
    """One row of a report: a class and its scores, 0 to 1. `support` is the number of its images."""

    class_name: str
    precision: float
    recall: float
    f1: float
    support: int


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


class TrainingFiles(TypedDict):
    """The paths of the files of a training; `rfuav_ray.outputs.artifacts.TRAINING_FILES` has their names."""

    best_model: str
    last_model: str
    checkpoint: str
    config: str
    metrics: str
    curves: str
    confusion_matrix: str
    report: str


@final
class TrainingResult(RunResult):
    """The `result` of a completed training task."""

    save_path: str
    epochs: int
    best_epoch: int
    best_acc: float
    #: those of the last epoch
    metrics: EpochMetrics
    #: images of both passes, per second of the epochs
    images_per_second: float
    files: TrainingFiles
    #: files of both data sets that are no images of a class, by reason (`rfuav_ray.walk.REASONS`)
    left_out: dict[str, int]
    #: images of both data sets that could not be read and were left out
    unreadable: int
    #: at most `rfuav_ray.training.datasets.FILES_IN_RESULT` of them, with absolute paths
    unreadable_files: list[FailedFile]


class ImagesFacts(TypedDict):
    #: how many
    images: int
    #: fingerprint of their names and sizes
    sha256: str


class DataFacts(TypedDict):
    train: ImagesFacts
    val: ImagesFacts


class TrainingFacts(TypedDict):
    """What report.json holds besides the metrics: all that the weights depend on."""

    #: the TrainingRequest as JSON; parse it with that model
    request: dict[str, Any]
    data: DataFacts
    #: what the names and bytes of the images say; missing in reports of earlier versions
    leakage: NotRequired[AuditVerdict]
    seed: int
    #: a torch device
    device: str
    #: fp32 or bf16
    precision: str
    #: of torch
    threads: int
    #: by distribution
    versions: dict[str, str]
    #: what the caller of `train` tells about itself; in a service a RunPlace
    environment: dict[str, object]


class TrainingReport(TrainingFacts):
    """report.json."""

    #: ISO 8601, like `written_at`
    started_at: str
    written_at: str
    #: duration of the finished epochs
    training_seconds: float
    #: the number of finished epochs
    epochs: int
    best: BestEpoch | None
    last: EpochMetrics
