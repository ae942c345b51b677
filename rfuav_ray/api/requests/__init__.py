"""The request bodies of the HTTP API, with their defaults and bounds."""

from rfuav_ray.api.requests.fields import Request
from rfuav_ray.api.requests.preprocessing import (
    AUGMENTATION_METHODS,
    AugmentationMethod,
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
    TrainingRequest,
)

PreprocessingRequest = DatasetSplitRequest | DataAugmentationRequest | ImageCropRequest | SpectrogramRequest
RunRequest = TrainingRequest | InferenceRequest | PreprocessingRequest

__all__ = [
    "AUGMENTATION_METHODS",
    "SUPPORTED_MODELS",
    "AugmentationMethod",
    "BatchInferenceRequest",
    "DataAugmentationRequest",
    "DatasetSplitRequest",
    "DeviceCaps",
    "ImageCropRequest",
    "InferenceRequest",
    "PreprocessingRequest",
    "PriorityUpdate",
    "RecordingFields",
    "Request",
    "ResourceConfigUpdate",
    "RunRequest",
    "SpectrogramRequest",
    "TrainingRequest",
]
