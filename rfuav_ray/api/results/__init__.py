"""What tasks give to clients: metrics, results, and the content of their JSON files. Plain dicts with types."""

from rfuav_ray.api.results.as_stored import AsStored
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

PreprocessingStats = SplitStats | AugmentStats | CropStats | SpectrogramStats
PreprocessingResult = SplitResult | AugmentResult | CropResult | SpectrogramResult
TaskResult = TrainingResult | InferenceResult | PreprocessingResult

__all__ = [
    "AsStored",
    "AugmentResult",
    "AugmentStats",
    "BestEpoch",
    "Candidate",
    "ClassMetrics",
    "CropResult",
    "CropStats",
    "EpochMetrics",
    "FailedFile",
    "InferenceMetrics",
    "InferenceResult",
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
    "ValidationMetrics",
    "Verdict",
]
