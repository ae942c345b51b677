"""What tasks give to clients: metrics, results, and the content of their JSON files. Plain dicts with types."""

from rfuav_ray.api.results.as_stored import AsStored
from rfuav_ray.api.results.audit import AuditResult, AuditStats, AuditVerdict
from rfuav_ray.api.results.evaluation import (
    CalibrationReport,
    EvaluationReport,
    EvaluationResult,
    Headline,
    OpenSetReport,
    OpenSetScore,
    SnrPoint,
    UnknownScore,
)
from rfuav_ray.api.results.inference import (
    Candidate,
    InferenceMetrics,
    InferenceResult,
    Prediction,
    Predictions,
    RecordingPrediction,
    RecordingPredictions,
    RecordingTotals,
    Segment,
    Verdict,
)
from rfuav_ray.api.results.preprocessing import (
    AugmentResult,
    AugmentStats,
    CropResult,
    CropStats,
    Preprocessed,
    SpectrogramResult,
    SpectrogramStats,
    SplitResult,
    SplitStats,
    StatsT,
)
from rfuav_ray.api.results.runs import FailedFile, RunPlace
from rfuav_ray.api.results.training import (
    BestEpoch,
    ClassMetrics,
    EpochMetrics,
    TrainingFacts,
    TrainingFiles,
    TrainingReport,
    TrainingResult,
    ValidationMetrics,
)

PreprocessingStats = SplitStats | AugmentStats | CropStats | SpectrogramStats | AuditStats
PreprocessingResult = SplitResult | AugmentResult | CropResult | SpectrogramResult
TaskResult = TrainingResult | InferenceResult | EvaluationResult | PreprocessingResult | AuditResult

__all__ = [
    "AsStored",
    "AuditResult",
    "AuditStats",
    "AuditVerdict",
    "AugmentResult",
    "AugmentStats",
    "BestEpoch",
    "CalibrationReport",
    "Candidate",
    "ClassMetrics",
    "CropResult",
    "CropStats",
    "EpochMetrics",
    "EvaluationReport",
    "EvaluationResult",
    "FailedFile",
    "Headline",
    "InferenceMetrics",
    "InferenceResult",
    "OpenSetReport",
    "OpenSetScore",
    "Prediction",
    "Predictions",
    "Preprocessed",
    "PreprocessingResult",
    "PreprocessingStats",
    "RecordingPrediction",
    "RecordingPredictions",
    "RecordingTotals",
    "RunPlace",
    "Segment",
    "SnrPoint",
    "SpectrogramResult",
    "SpectrogramStats",
    "SplitResult",
    "SplitStats",
    "StatsT",
    "TaskResult",
    "TrainingFacts",
    "TrainingFiles",
    "TrainingReport",
    "TrainingResult",
    "UnknownScore",
    "ValidationMetrics",
    "Verdict",
]
