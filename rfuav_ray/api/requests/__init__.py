"""The request bodies of the HTTP API, with their defaults and bounds."""

from rfuav_ray.api.augmentation_methods import AUGMENTATION_METHODS, AugmentationMethod
from rfuav_ray.api.requests.evaluation import AuditRequest, EvaluationRequest, SnrSweep
from rfuav_ray.api.requests.fields import Request
from rfuav_ray.api.requests.preprocessing import (
    DataAugmentationRequest,
    DatasetSplitRequest,
    ImageCropRequest,
    SpectrogramRequest,
)
from rfuav_ray.api.requests.resources import DeviceCaps, PriorityUpdate, ResourceConfigUpdate
from rfuav_ray.api.requests.runs import (
    SUPPORTED_MODELS,
    BatchInferenceRequest,
    InferenceRequest,
    RecordingFields,
    RecordingOutputs,
    TrainingRequest,
)

PreprocessingRequest = DatasetSplitRequest | DataAugmentationRequest | ImageCropRequest | SpectrogramRequest
RunRequest = TrainingRequest | InferenceRequest | EvaluationRequest | AuditRequest | PreprocessingRequest

__all__ = [
    "AUGMENTATION_METHODS",
    "SUPPORTED_MODELS",
    "AuditRequest",
    "AugmentationMethod",
    "BatchInferenceRequest",
    "DataAugmentationRequest",
    "DatasetSplitRequest",
    "DeviceCaps",
    "EvaluationRequest",
    "ImageCropRequest",
    "InferenceRequest",
    "PreprocessingRequest",
    "PriorityUpdate",
    "RecordingFields",
    "RecordingOutputs",
    "Request",
    "ResourceConfigUpdate",
    "RunRequest",
    "SnrSweep",
    "SpectrogramRequest",
    "TrainingRequest",
]
