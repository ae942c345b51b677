"""Builds and checks the settings, and requests from a YAML file and flags. Flags take precedence."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from rfuav_ray.api.kinds import Kind
from rfuav_ray.api.requests import BatchInferenceRequest, InferenceRequest, Request, TrainingRequest
from rfuav_ray.api.requests.unknown_fields import nearest
from rfuav_ray.api.validation_messages import MAX_GIVEN_CHARS, field_of, message_of
from rfuav_ray.cli.request_flags import given, with_nulls
from rfuav_ray.errors import InvalidInput, RfuavError
from rfuav_ray.foreign_paths import refuse_foreign
from rfuav_ray.images.class_folders import class_folders
from rfuav_ray.settings import Settings
from rfuav_ray.yaml_files import load_plain

RequestT = TypeVar("RequestT", bound=Request)


def training_request(config: Path | None, flags: Mapping[str, Any]) -> TrainingRequest:
    """Build a training request. Counts the class folders when `num_classes` is missing.

    Relative paths become absolute from the working folder, as in all functions of this module. Raises RfuavError.
    """
    fields = _merged(TrainingRequest, config, flags)
    if "num_classes" not in fields and "train_path" in fields:
        fields["num_classes"] = _count_classes(Path(fields["train_path"]))
    return _validated(TrainingRequest, fields)


def inference_request(
    config: Path | None, flags: Mapping[str, Any], sources: Sequence[str]
) -> InferenceRequest | BatchInferenceRequest:
    """Build an inference request. Several sources make a batch with `save_path` as its base. Raises RfuavError."""
    fields = _merged(InferenceRequest, config, {**flags, "source_path": sources[0] if sources else None})
    if len(sources) < 2:
        return _validated(InferenceRequest, fields)
    fields["source_paths"] = [_absolute(source, "--source") for source in sources]
    if "save_path" in fields:
        fields["save_base_path"] = fields.pop("save_path")
    del fields["source_path"]
    for name in fields:
        if name not in BatchInferenceRequest.model_fields:
            raise InvalidInput(name, "cannot be set for several sources, because each source becomes a task.")
    return _validated(BatchInferenceRequest, fields)


def preprocessing_request(kind: Kind, config: Path | None, parameters: Mapping[str, Any]) -> Request:
    """Build a preprocessing request from the parameters of a command that are fields of it. Raises RfuavError."""
    return _validated(kind.request, _merged(kind.request, config, parameters))


def given_fields(request: Request) -> dict[str, Any]:
    """Return only the fields that were given, so that the service applies its own defaults to the rest."""
    return request.model_dump(exclude_unset=True)


def read_settings(**overrides: Any) -> Settings:
    """Read the settings from the environment and `.env`. Overrides that are not None take precedence.

    Raises RfuavError, whose message names the invalid settings.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise RfuavError(_explain(error, name_of=lambda field: field.removeprefix("rfuav_").upper())) from None


def _merged(kind: type[Request], config: Path | None, flags: Mapping[str, Any]) -> dict[str, Any]:
    fields = with_nulls(kind, ({} if config is None else _read_config(config, kind)) | given(kind, flags))
    for name, value in fields.items():
        if name.endswith("_path") and isinstance(value, str | Path) and str(value):
            fields[name] = _absolute(value, name)
    return fields


def _read_config(path: Path, kind: type[Request]) -> dict[str, Any]:
    try:
        content = load_plain(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput("--config", f"'{path}' cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput("--config", f"'{path}' is not a text file in UTF-8.") from None
    except yaml.YAMLError as error:
        raise InvalidInput("--config", f"'{path}' is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise InvalidInput("--config", f"'{path}' must hold lines like '{next(iter(kind.model_fields))}: …'.")
    for name in content:
        if name not in kind.model_fields:
            raise InvalidInput("--config", f"'{path}' has an unknown field '{name}'{_nearest(name, kind)}.")
    # A field without a value means the default.
    return {name: value for name, value in content.items() if value is not None}


def _nearest(name: str, kind: type[Request]) -> str:
    near = nearest(name, kind.model_fields)
    return f"; did you mean '{near}'?" if near else f"; the fields are {', '.join(kind.model_fields)}"


def _absolute(path: str | Path, field: str) -> str:
    # Not Path.resolve, because links must stay as the user wrote them.
    absolute = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111
    refuse_foreign(Path(absolute), str(path), field=field)
    return absolute


def _count_classes(train_path: Path) -> int:
    if not train_path.is_dir():
        raise InvalidInput(
            "num_classes",
            f"cannot be counted, because there is no folder '{train_path}' here; set --num-classes "
            "or correct --train-path.",
        )
    return len(class_folders(train_path, field="train_path"))


def _validated(kind: type[RequestT], fields: dict[str, Any]) -> RequestT:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise RfuavError(_explain(error)) from None


def _explain(error: ValidationError, name_of: Callable[[str], str] = str) -> str:
    return "; ".join(
        f"{name_of(field_of(problem)) or 'request'}: {_sentence(problem)}"
        for problem in error.errors(include_url=False)
    )


def _sentence(problem: Any) -> str:
    if problem["type"] == "missing":
        return "is missing"
    message = message_of(problem)
    message = f"{message[:1].lower()}{message[1:]}"
    # An error without a location concerns several fields, and its message names them.
    return f"{message} (it is {repr(problem['input'])[:MAX_GIVEN_CHARS]})" if problem["loc"] else message
