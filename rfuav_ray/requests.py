"""What clients send: the request bodies of the HTTP contract, with their defaults and bounds."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a path has no NUL character")
    return text


def _one_folder(name: str) -> str:
    if "/" in name or "\\" in name or name in {".", ".."}:
        raise ValueError("the name of one folder, without a path, '.' or '..'")
    return name


PathText = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_no_nul)]
FolderName = Annotated[
    str, Field(min_length=1, max_length=255), AfterValidator(_no_nul), AfterValidator(_one_folder)
]
TaskId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", examples=["night-run-7"])]
Priority = Annotated[int, Field(ge=1, le=10, description="1 is the most urgent")]
Device = Annotated[
    str,
    Field(
        pattern=r"^(cpu|cuda|cuda:\d{1,4})$",
        description="`cpu`, `cuda` (the least loaded GPU; the CPU where there is none) or `cuda:N` (that GPU)",
    ),
]
Description = Annotated[str, Field(max_length=10_000)]


class Request(BaseModel):
    # "model" fields are the contract's; unknown fields are ignored, as the original service did.
    model_config = ConfigDict(protected_namespaces=(), frozen=True)


class TrainingRequest(Request):
    """Train an image classifier on folders `<path>/<class>/<image>`."""

    model: str = Field(description="one of the supported models", examples=["resnet18"])
    num_classes: int = Field(ge=1, description="equal to the number of class folders")
    train_path: PathText
    val_path: PathText
    save_path: PathText = Field(description="folder for the results, made when missing")
    name: FolderName | None = Field(None, description="sub-folder of save_path for this run")
    batch_size: int = Field(8, ge=1)
    num_epochs: int = Field(100, ge=1)
    learning_rate: float = Field(0.0001, gt=0, allow_inf_nan=False)
    image_size: int = Field(224, ge=32)
    device: Device = "cuda"
    weight_path: Annotated[str, AfterValidator(_no_nul)] = Field(
        "", description="weights to start from; wins over `pretrained`"
    )
    pretrained: bool = Field(True, description="start from torchvision's ImageNet weights")
    shuffle: bool = True
    task_id: TaskId | None = None
    priority: Priority = 5
    description: Description | None = None


class InferenceRequest(Request):
    """Classify an image, or every image of a folder."""

    cfg_path: PathText = Field(description="YAML of the model: a training's model.yaml or an RFUAV config")
    weight_path: PathText = Field(description="the weights, .pth")
    source_path: PathText = Field(description="an image or a folder, searched recursively")
    save_path: PathText | None = Field(None, description="default: results/<task_id>")
    name: FolderName | None = None
    device: Device = "cuda"
    task_id: TaskId | None = None
    priority: Priority = 3


class BatchInferenceRequest(Request):
    """One inference task for each source; a bad source starts none of them."""

    cfg_path: PathText
    weight_path: PathText
    source_paths: list[PathText] = Field(min_length=1)
    save_base_path: PathText | None = Field(None, description="task i saves to <base>/<i>")
    device: Device = "cuda"
    priority: Priority = 3


class PriorityUpdate(Request):
    priority: Priority


class DeviceCaps(Request):
    training: int | None = Field(None, ge=0)
    inference: int | None = Field(None, ge=0)


class ResourceConfigUpdate(Request):
    """New caps by device (`cpu`, `cuda:N`, or `cuda` for every GPU); what is left out stays."""

    max_concurrent: dict[str, DeviceCaps] = Field(
        min_length=1, examples=[{"cpu": {"training": 1, "inference": 2}}]
    )


TaskKind = Literal["training", "inference", "split", "augment", "crop"]
RunRequest = TrainingRequest | InferenceRequest
REQUEST_OF_KIND: dict[str, type[TrainingRequest] | type[InferenceRequest]] = {
    "training": TrainingRequest,
    "inference": InferenceRequest,
}


def parse_request(kind: str, fields: dict[str, Any]) -> RunRequest:
    """The request of a stored task."""
    return REQUEST_OF_KIND[kind].model_validate(fields)
