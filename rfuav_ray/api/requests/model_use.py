"""The parts of requests that use a trained model. A request puts them together in the order of its form."""

from pydantic import Field

from rfuav_ray.api.requests.device_names import Device
from rfuav_ray.api.requests.fields import ClassOrder, CopyTo, FolderName, OnExisting, PathText, Precision, Request


class ModelFiles(Request):
    """Which model works."""

    cfg_path: PathText = Field(description="YAML of the model: a training's model.yaml or an RFUAV config")
    weight_path: PathText = Field(description="the weights, .pth or .safetensors")


class ResultsFolder(Request):
    """Where the results of one task go."""

    save_path: PathText | None = Field(None, description="default: results/<task_id>")
    name: FolderName | None = Field(None, description="sub-folder of save_path for this run")


class ModelRun(Request):
    """How the model works."""

    on_existing: OnExisting = "keep"
    copy_to: CopyTo = None
    device: Device = "cuda"
    precision: Precision = "auto"
    class_order: ClassOrder = "config"
