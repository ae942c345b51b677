"""The request bodies of the HTTP API, with their defaults and bounds."""

from typing import Any, Literal

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
from rfuav_ray.api.requests.runs import SUPPORTED_MODELS, BatchInferenceRequest, InferenceRequest, TrainingRequest

PreprocessingKind = Literal["split", "augment", "crop", "spectrogram"]
PREPROCESSING_KINDS: tuple[PreprocessingKind, ...] = ("split", "augment", "crop", "spectrogram")
TaskKind = Literal["training", "inference"] | PreprocessingKind

PreprocessingRequest = DatasetSplitRequest | DataAugmentationRequest | ImageCropRequest | SpectrogramRequest
RunRequest = TrainingRequest | InferenceRequest | PreprocessingRequest
REQUEST_OF_KIND: dict[str, type[RunRequest]] = {
    "training": TrainingRequest,
    "inference": InferenceRequest,
    "split": DatasetSplitRequest,
    "augment": DataAugmentationRequest,
    "crop": ImageCropRequest,
    "spectrogram": SpectrogramRequest,
}

__all__ = [
    "AUGMENTATION_METHODS",
    "PREPROCESSING_KINDS",
    "REQUEST_OF_KIND",
    "SUPPORTED_MODELS",
    "AugmentationMethod",
    "BatchInferenceRequest",
    "DataAugmentationRequest",
    "DatasetSplitRequest",
    "DeviceCaps",
    "ImageCropRequest",
    "InferenceRequest",
    "PreprocessingKind",
    "PreprocessingRequest",
    "PriorityUpdate",
    "Request",
    "ResourceConfigUpdate",
    "RunRequest",
    "SpectrogramRequest",
    "TaskKind",
    "TrainingRequest",
    "parse_request",
]


def parse_request(kind: str, fields: dict[str, Any]) -> RunRequest:
    """Parse the request of a stored task."""
    return REQUEST_OF_KIND[kind].model_validate(fields)
