"""The YAML config that belongs to a weights file: the model, its classes and how its input images are prepared."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from yaml.constructor import BaseConstructor, SafeConstructor

from rfuav_ray.api.requests import SUPPORTED_MODELS
from rfuav_ray.errors import InvalidInput
from rfuav_ray.files import write_text
from rfuav_ray.images.normalization import Normalization
from rfuav_ray.models.architectures import check_image_size
from rfuav_ray.yaml_files import check_plain

MAX_CONFIG_BYTES = 1_000_000


class ModelConfig(BaseModel):
    """The facts about a model that inference needs besides its weights. Class i is `class_names[i]`."""

    model_config = ConfigDict(protected_namespaces=(), frozen=True)

    model: str
    num_classes: int = Field(ge=1)
    class_names: tuple[str, ...]
    image_size: int = Field(224, ge=32, le=8192, description="images are resized to this square, pixels")
    normalization: Normalization | None = Field(None, description="None: images are scaled to 0..1 only")
    stft: dict[str, Any] | None = Field(None, description="how the spectrograms were made from IQ recordings")

    @model_validator(mode="after")
    def _consistent(self) -> "ModelConfig":
        if self.model not in SUPPORTED_MODELS:
            raise ValueError(f"model '{self.model}' is not one of {', '.join(SUPPORTED_MODELS)}")
        try:
            check_image_size(self.model, self.image_size)
        except InvalidInput as error:
            raise ValueError(str(error)) from error
        if len(self.class_names) != self.num_classes:
            raise ValueError(
                f"num_classes is {self.num_classes}, but class_names holds {len(self.class_names)} names"
            )
        if "" in self.class_names:
            raise ValueError(f"the name of class {self.class_names.index('')} in class_names is empty")
        return self


def load_model_config(path: Path) -> ModelConfig:
    """Read our `model.yaml` or a config of RFUAV. Keys that `ModelConfig` does not have are ignored.

    `class_names` is a list, or a map name → index.

    Raises:
        InvalidInput: For `cfg_path`: the file cannot be used.
    """
    try:
        return ModelConfig.model_validate(_known_values(_top_level(_read(path))))
    except ValidationError as error:
        reasons = "; ".join(_reason(detail) for detail in error.errors())
        raise InvalidInput("cfg_path", f"{path} cannot be used: {reasons}. Correct the file.") from None
    except (yaml.YAMLError, ValueError) as error:
        # YAML's messages contain the position of the error and span several lines.
        reason = " ".join(str(error).split())
        raise InvalidInput("cfg_path", f"{path} cannot be used: {reason}. Correct the file.") from error


def save_model_config(path: Path, config: ModelConfig) -> None:
    """Write a config that `load_model_config` reads back unchanged."""
    values = config.model_dump(mode="json", exclude_none=True)
    write_text(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise InvalidInput("cfg_path", f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > MAX_CONFIG_BYTES:
        raise InvalidInput(
            "cfg_path", f"{path} is larger than 1 MB: choose the YAML config of the model, not its weights."
        )
    if b"\0" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidInput("cfg_path", f"{path} is a binary file: choose the YAML config of the model.")
    return content


def _top_level(content: bytes) -> dict[str, yaml.Node]:
    """The top-level keys with their values as unbuilt nodes, so that values of unknown keys are never built."""
    check_plain(content, ModelConfig.model_fields)
    document = yaml.compose(content, yaml.SafeLoader)
    if not isinstance(document, yaml.MappingNode):
        found = "it is empty" if document is None else "its top level is not a mapping"
        raise ValueError(f"{found}; it needs the keys model, num_classes and class_names")
    return {key.value: value for key, value in document.value if isinstance(key, yaml.ScalarNode)}


def _known_values(nodes: dict[str, yaml.Node]) -> dict[str, Any]:
    constructor = SafeConstructor()
    values = {
        # Any: the type stubs do not know that a constructor can build single nodes, too.
        name: constructor.construct_document(nodes[name])
        for name in ModelConfig.model_fields
        if name in nodes and name != "class_names"
    }
    values = {name: value for name, value in values.items() if value is not None}
    if "class_names" in nodes:
        # The base constructor keeps every scalar as text: a class can be named 1, 007 or yes.
        values["class_names"] = _in_order(BaseConstructor().construct_document(nodes["class_names"]))
    return values


def _in_order(class_names: object) -> list[str]:
    if isinstance(class_names, list) and all(isinstance(name, str) for name in class_names):
        return class_names
    if not isinstance(class_names, dict):
        raise ValueError("class_names must be a list of names, or a map from each name to its index")
    if not all(isinstance(index, str) and index.isdecimal() for index in class_names.values()):
        raise ValueError("class_names is a map, so each name needs its index (0, 1, …) as its value")
    names_by_index = {int(index): name for name, index in class_names.items()}
    if sorted(names_by_index) != list(range(len(class_names))):
        raise ValueError(f"the indices in class_names must be 0 to {len(class_names) - 1}, each of them once")
    return [names_by_index[index] for index in range(len(class_names))]


def _reason(detail: Any) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    what = str(detail["msg"]).removeprefix("Value error, ")
    return f"{where}: {what}" if where else what
