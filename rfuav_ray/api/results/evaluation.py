"""The numbers of an evaluation: its result, and the content of report.json. Accuracies and scores are 0 to 1."""

from typing import Literal, NotRequired, final

from typing_extensions import TypedDict

from rfuav_ray.api.results.audit import AuditVerdict
from rfuav_ray.api.results.runs import RunResult
from rfuav_ray.api.results.training import ClassMetrics

#: how far a signal is from every known class is read off the logits
UnknownScore = Literal["energy", "max_logit"]


class Headline(TypedDict):
    """The numbers that have a 95 % interval."""

    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    #: mean one-vs-rest average precision
    mAP: float
    top3: float
    top5: float
    #: mean negative log-likelihood of the true class, nats
    nll: float
    #: expected calibration error, 15 bins of equal width
    ece: float


class SnrPoint(TypedDict):
    """One point of the SNR curve."""

    snr_db: float
    n: int
    accuracy: float
    #: 95 % interval of the accuracy
    low: float
    high: float
    macro_f1: float


@final
class CalibrationReport(TypedDict):
    """Temperature scaling. The errors are measured on data that it was not fitted on."""

    temperature: float
    ece_before: float
    ece_after: float
    #: with bins of equal counts
    ece_adaptive_before: float
    ece_adaptive_after: float
    nll_before: float
    nll_after: float
    #: images and windows that the temperature was fitted on, and that measured it
    n_fit: int
    n_test: int
    #: `calibration_path`, or `half` of the recordings of data_path
    fitted_on: Literal["calibration_path", "half"]


class OpenSetScore(TypedDict):
    """How well one score tells unknown signals from known ones."""

    auroc: float
    #: unknown signals that are taken for known ones at the threshold that keeps 95 % of the known
    fpr95: float
    #: area under the open-set classification rate
    oscr: float


@final
class OpenSetReport(OpenSetScore):
    """The numbers of the better score, and how it works at its threshold."""

    score: UnknownScore
    #: a lower score is unknown
    threshold: float
    #: fraction of the unknown signals that are called unknown
    unknown_rate: float
    #: fraction of the known signals, other than those that gave the threshold, that are called unknown
    known_false_alarm: float
    n_unknown: int
    #: `unknown_path`, or `simulated` interferers and noise
    source: Literal["unknown_path", "simulated"]
    by_score: dict[UnknownScore, OpenSetScore]


class EvaluationReport(Headline):
    """report.json, and the numbers of a task's result."""

    #: images, and windows of recordings with something on the air, that were classified
    n: int
    #: recordings that they are of
    recordings: int
    #: 95 % interval of each number of `Headline`, by bootstrap over recordings: low, high
    intervals: dict[str, tuple[float, float]]
    per_class: list[ClassMetrics]
    #: counts; rows are the true classes, columns the predicted ones. Missing in a task's result with more than
    #: `rfuav_ray.evaluation.run.LARGEST_MATRIX` classes
    confusion_matrix: NotRequired[list[list[int]]]
    class_names: list[str]
    by_snr: list[SnrPoint]
    #: None: too few data
    calibration: CalibrationReport | None
    #: None: there are no unknown signals
    open_set: OpenSetReport | None
    #: None: the training's data are not known
    leakage: AuditVerdict | None
    #: images and windows that could not be read, and windows with nothing on the air
    failed: int
    empty_windows: int
    #: files that were not evaluated, by reason (`rfuav_ray.walk.REASONS`)
    left_out: dict[str, int]


@final
class EvaluationResult(EvaluationReport, RunResult):
    """The `result` of a completed evaluation task."""

    save_path: str
    #: name of the model
    model: str
    #: the paths of its files; `rfuav_ray.outputs.artifacts.EVALUATION_FILES` has their names
    files: dict[str, str]
