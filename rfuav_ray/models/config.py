"""The YAML config that belongs to a weights file: the model, its classes and how its input images are prepared."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from yaml.constructor import BaseConstructor, SafeConstructor

from rfuav_ray.api.requests import SUPPORTED_MODELS
from rfuav_ray.errors import InvalidInput
from rfuav_ray.file_access.limits import MAX_CONFIG_BYTES
from rfuav_ray.file_access.reading import open_file
from rfuav_ray.files import write_text
from rfuav_ray.images.normalization import Normalization
from rfuav_ray.models.architectures import check_image_size
from rfuav_ray.models.class_names import in_order, is_sorted
from rfuav_ray.models.image_size import square_side
from rfuav_ray.yaml_files import MAX_CONFIG_NODES, check_plain, repeated_keys

#: how surely a signal is one of the classes; see `rfuav_ray.inference.known_scores`
KnownScore = Literal["probability", "energy", "max_logit"]


class Calibration(BaseModel):
    """How the model's outputs become probabilities that one can believe. An evaluation measures it."""

    model_config = ConfigDict(frozen=True)

    temperature: float = Field(
        1.0, gt=0, le=1000, allow_inf_nan=False, description="divides the logits (Guo et al., 2017)"
    )
    score: KnownScore = Field("probability", description="what the threshold is of")
    threshold: float | None = Field(
        None, allow_inf_nan=False, description="below this score a signal is unknown; None: none is"
    )

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if self.threshold is not None and self.score == "probability" and not 0 <= self.threshold <= 1:
            raise ValueError(f"the threshold of a probability is 0 to 1, and this is {self.threshold:g}")
        return self


class ModelConfig(BaseModel):
    """The facts about a model that inference needs besides its weights. Class i is `class_names[i]`."""

    model_config = ConfigDict(protected_namespaces=(), frozen=True)

    model: str
    num_classes: int = Field(ge=1)
    class_names: Annotated[tuple[str, ...], BeforeValidator(in_order)]
    image_size: Annotated[int, BeforeValidator(square_side)] = Field(
        224, ge=32, le=8192, description="images are resized to this square, pixels"
    )
    normalization: Normalization | None = Field(None, description="None: images are scaled to 0..1 only")
    stft: dict[str, Any] | None = Field(None, description="how the spectrograms were made from IQ recordings")
    #: Not dumped, as `trained_by`.
    calibration: Calibration | None = Field(None, exclude=True)
    #: Our trainings number the classes in the order that they write. This is not dumped, because checkpoints of
    #: an earlier version do not have it and stay valid.
    trained_by: str | None = Field(None, exclude=True, description="the program that wrote the file")

    @field_validator("model")
    @classmethod
    def _supported(cls, model: str) -> str:
        if model not in SUPPORTED_MODELS:
            raise ValueError(f"'{model}' is not one of {', '.join(SUPPORTED_MODELS)}")
        return model

    @field_validator("class_names")
    @classmethod
    def _one_name_for_each_class(cls, class_names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        num_classes = info.data.get("num_classes", len(class_names))
        if len(class_names) != num_classes:
            raise ValueError(f"num_classes is {num_classes}, but class_names holds {len(class_names)} names")
        if "" in class_names:
            raise ValueError(f"the name of class {class_names.index('')} in class_names is empty")
        return class_names

    @field_validator("image_size")
    @classmethod
    def _of_the_model(cls, image_size: int, info: ValidationInfo) -> int:
        if "model" in info.data:
            try:
                check_image_size(info.data["model"], image_size)
            except InvalidInput as error:
                raise ValueError(error.reason) from error
        return image_size

    @property
    def temperature(self) -> float:
        """Divides the logits."""
        return self.calibration.temperature if self.calibration else 1.0

    @property
    def threshold(self) -> float | None:
        """Below this score a signal is unknown; None: none is."""
        return self.calibration.threshold if self.calibration else None

    @property
    def score(self) -> KnownScore:
        """What the threshold is of."""
        return self.calibration.score if self.calibration else "probability"

    @property
    def has_doubtful_order(self) -> bool:
        """Whether the classes may have other numbers than the list says.

        RFUAV's trainer numbers the classes in sorted order, whatever its config lists.
        """
        return self.trained_by is None and not is_sorted(self.class_names)

    def sorted_classes(self) -> "ModelConfig":
        """The config with the class names in sorted order."""
        return self.model_copy(update={"class_names": tuple(sorted(self.class_names))})


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
    if config.trained_by is not None:
        values["trained_by"] = config.trained_by
    if config.calibration is not None:
        values["calibration"] = config.calibration.model_dump(mode="json")
    write_text(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def _read(path: Path) -> bytes:
    try:
        with open_file(path) as file:
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
    check_plain(content, ModelConfig.model_fields, most_nodes=MAX_CONFIG_NODES)
    # The parser of the check: two parsers could read one text differently.
    document = yaml.compose(content, yaml.CSafeLoader)
    if not isinstance(document, yaml.MappingNode):
        found = "it is empty" if document is None else "its top level is not a mapping"
        raise ValueError(f"{found}; it needs the keys model, num_classes and class_names")
    repeated = [key for key in repeated_keys(document) if key in ModelConfig.model_fields]
    if repeated:
        raise ValueError(f"it has the key {', '.join(repeated)} more than once; keep one")
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
        if isinstance(nodes["class_names"], yaml.MappingNode) and (
            repeated := repeated_keys(nodes["class_names"])
        ):
            raise ValueError(f"class_names has the name {', '.join(repeated)} more than once; give it one index")
        # The base constructor keeps every scalar as text: a class can be named 1, 007 or yes.
        values["class_names"] = BaseConstructor().construct_document(nodes["class_names"])
    return values


def _reason(detail: Any) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "value_error":
        return f"{where}: {detail['ctx']['error']}"
    found = "" if detail["type"] == "missing" else f" (it is {_shown(detail['input'])})"
    return f"{where}: {detail['msg']}{found}"


def _shown(value: object) -> str:
    try:
        return repr(str(value)[:100])
    except ValueError:  # a number of thousands of digits
        return "a number that is too long"
