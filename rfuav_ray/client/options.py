"""Types of the optional request fields, so that editors and type checkers know the keywords of the client."""

from __future__ import annotations

from os import PathLike
from typing import TypedDict, Union

PathLikeText = Union[str, "PathLike[str]"]


class TrainingOptions(TypedDict, total=False):
    name: str | None
    batch_size: int
    num_epochs: int
    learning_rate: float
    image_size: int
    device: str
    weight_path: PathLikeText
    pretrained: bool
    shuffle: bool
    precision: str
    task_id: str | None
    priority: int
    description: str | None


class InferenceOptions(TypedDict, total=False):
    save_path: PathLikeText | None
    name: str | None
    device: str
    precision: str
    task_id: str | None
    priority: int


class BatchInferenceOptions(TypedDict, total=False):
    save_base_path: PathLikeText | None
    device: str
    precision: str
    priority: int


class SplitOptions(TypedDict, total=False):
    train_ratio: float
    val_ratio: float | None
    seed: int
    group_by_recording: bool
    task_id: str | None
    description: str | None


class AugmentOptions(TypedDict, total=False):
    output_path: PathLikeText | None
    methods: list[str] | None
    seed: int
    task_id: str | None
    description: str | None


class CropOptions(TypedDict, total=False):
    task_id: str | None
    description: str | None


class SpectrogramOptions(TypedDict, total=False):
    sample_rate_hz: float
    data_type: str | None
    stft_points: int
    window: str
    window_overlap: float
    duration_s: float
    overlap: float
    image_size: int | None
    colormap: str
    db_range: tuple[float, float] | None
    center_frequency_hz: float | None
    task_id: str | None
    description: str | None
