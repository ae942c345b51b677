"""Requests for training and inference."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from rfuav_ray.api.requests.device_names import Device
from rfuav_ray.api.requests.fields import (
    CopyTo,
    Description,
    FolderName,
    OnExisting,
    OwnTaskId,
    PathText,
    Precision,
    Priority,
    RealValues,
    Request,
    Variable,
    no_nul,
)
from rfuav_ray.api.requests.model_use import ModelFiles, ModelRun, ResultsFolder
from rfuav_ray.signals.data_types import DataType
from rfuav_ray.signals.stft_settings import CenterFrequency, SampleRate, Style

SUPPORTED_MODELS = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "vit_b_16",
    "vit_b_32",
    "vit_l_16",
    "vit_l_32",
    "swin_v2_t",
    "swin_v2_s",
    "swin_v2_b",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
)


class TrainingRequest(Request):
    """Train an image classifier on folders `<path>/<class>/<image>`, which may hold further folders."""

    model: str = Field(max_length=255, description="one of the supported models", examples=["resnet18"])
    num_classes: int = Field(ge=1, le=100_000, description="equal to the number of class folders")
    train_path: PathText = Field(description="training images, <path>/<class>/<image>")
    val_path: PathText = Field(description="validation images, <path>/<class>/<image>")
    save_path: PathText = Field(description="folder for the results, made when missing")
    name: FolderName | None = Field(None, description="sub-folder of save_path for this run")
    on_existing: OnExisting = "keep"
    copy_to: CopyTo = None
    batch_size: int = Field(8, ge=1, le=65_536, description="images per step")
    num_epochs: int = Field(100, ge=1, le=100_000, description="passes over the training images")
    learning_rate: float = Field(0.0001, gt=0, le=1000, allow_inf_nan=False, description="of Adam")
    image_size: int = Field(224, ge=32, le=8192, description="images are resized to this square, pixels")
    device: Device = "cuda"
    weight_path: Annotated[str, AfterValidator(no_nul)] = Field(
        "",
        max_length=4096,
        description="weights to start from, .pth or .safetensors; wins over `pretrained`",
    )
    pretrained: bool = Field(True, description="start from torchvision's ImageNet weights")
    shuffle: bool = Field(True, description="a new order of the training images in each epoch")
    precision: Precision = "auto"
    strict: bool = Field(
        False, description="fail if an image cannot be read; otherwise such images are named, left out and counted"
    )
    num_workers: int = Field(
        1,
        ge=1,
        le=1000,
        description="processes that share each batch: as many GPUs with `cuda`, or slots of the CPU with `cpu`",
    )
    task_id: OwnTaskId = None
    priority: Priority = 5
    description: Description = None


class RecordingFields(Request):
    """How recordings are read and drawn. Images need none of these fields."""

    style: Style | None = Field(None, description="of the spectrograms of recordings; null: the model's")
    sample_rate_hz: SampleRate | None = Field(
        None, description="of the recordings; wins over what they state; null: their own"
    )
    data_type: DataType | None = Field(
        None, description="of recordings without a header; null: by the convention of their suffix"
    )
    stft_points: Annotated[int, Field(ge=16, le=65536)] | None = Field(
        None, description="samples per STFT window; null: the model's"
    )
    duration_s: Annotated[float, Field(gt=0, le=3600)] | None = Field(
        None, description="seconds of a recording that are classified together; null: the model's"
    )
    overlap: Annotated[float, Field(ge=0, le=0.9)] | None = Field(
        None, description="fraction of a window that the next one repeats, for finer segments; null: the model's"
    )
    center_frequency_hz: CenterFrequency | None = Field(
        None, description="of the recordings; wins over what they state"
    )
    real: RealValues = False
    variable: Variable = None
    on_rate_mismatch: Literal["resample", "refuse"] = Field(
        "resample", description="what happens to recordings at a higher sample rate than the model's"
    )


class RecordingOutputs(RecordingFields):
    """How recordings are read, and what an inference writes about them."""

    annotate: bool = Field(False, description="write SigMF annotations of each recording to save_path")
    save_images: bool = Field(False, description="keep the spectrograms of recordings in save_path/images")


class _Source(Request):
    source_path: PathText = Field(
        description="an image, an IQ recording, or a folder of both, searched recursively"
    )


# The fields of the last part come first.
class InferenceRequest(RecordingOutputs, ModelRun, ResultsFolder, _Source, ModelFiles):
    """Classify an image, a recording, or everything in a folder."""

    task_id: OwnTaskId = None
    priority: Priority = 3


class _Sources(Request):
    source_paths: list[PathText] = Field(
        min_length=1, max_length=1000, description="images, recordings or folders; each becomes a task"
    )
    save_base_path: PathText | None = Field(None, description="task i saves to <base>/<i>")


class BatchInferenceRequest(RecordingOutputs, ModelRun, _Sources, ModelFiles):
    """One inference task for each source. One invalid source rejects the whole batch."""

    priority: Priority = 3
