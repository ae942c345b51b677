"""Requests for training and inference."""

from typing import Annotated

from pydantic import AfterValidator, Field

from rfuav_ray.api.requests.device_names import Device
from rfuav_ray.api.requests.fields import (
    ClassOrder,
    Description,
    FolderName,
    OnExisting,
    OwnTaskId,
    PathText,
    Precision,
    Priority,
    Request,
    no_nul,
)

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

    model: str = Field(description="one of the supported models", examples=["resnet18"])
    num_classes: int = Field(ge=1, le=100_000, description="equal to the number of class folders")
    train_path: PathText = Field(description="training images, <path>/<class>/<image>")
    val_path: PathText = Field(description="validation images, <path>/<class>/<image>")
    save_path: PathText = Field(description="folder for the results, made when missing")
    name: FolderName | None = Field(None, description="sub-folder of save_path for this run")
    on_existing: OnExisting = "keep"
    batch_size: int = Field(8, ge=1, le=65_536, description="images per step")
    num_epochs: int = Field(100, ge=1, le=100_000, description="passes over the training images")
    learning_rate: float = Field(0.0001, gt=0, allow_inf_nan=False, description="of Adam")
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
    task_id: OwnTaskId = None
    priority: Priority = 5
    description: Description = None


class InferenceRequest(Request):
    """Classify an image, or every image of a folder."""

    cfg_path: PathText = Field(description="YAML of the model: a training's model.yaml or an RFUAV config")
    weight_path: PathText = Field(description="the weights, .pth or .safetensors")
    source_path: PathText = Field(description="an image or a folder, searched recursively")
    save_path: PathText | None = Field(None, description="default: results/<task_id>")
    name: FolderName | None = Field(None, description="sub-folder of save_path for this run")
    on_existing: OnExisting = "keep"
    device: Device = "cuda"
    precision: Precision = "auto"
    class_order: ClassOrder = "config"
    task_id: OwnTaskId = None
    priority: Priority = 3


class BatchInferenceRequest(Request):
    """One inference task for each source. One invalid source rejects the whole batch."""

    cfg_path: PathText = Field(description="YAML of the model: a training's model.yaml or an RFUAV config")
    weight_path: PathText = Field(description="the weights, .pth or .safetensors")
    source_paths: list[PathText] = Field(
        min_length=1, max_length=1000, description="images or folders; each becomes a task"
    )
    save_base_path: PathText | None = Field(None, description="task i saves to <base>/<i>")
    on_existing: OnExisting = "keep"
    device: Device = "cuda"
    precision: Precision = "auto"
    class_order: ClassOrder = "config"
    priority: Priority = 3
