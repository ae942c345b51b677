"""Builds and checks the settings, and requests from a YAML file and flags. Flags take precedence."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from rfuav_ray.api.kinds import Kind
from rfuav_ray.api.requests import (
    BatchInferenceRequest,
    DataAugmentationRequest,
    InferenceRequest,
    Request,
    TrainingRequest,
)
from rfuav_ray.api.validation_messages import MAX_GIVEN_CHARS, field_of, message_of
from rfuav_ray.cli.path_start import OUTPUT_FIELDS, PathStart
from rfuav_ray.cli.request_flags import given, with_nulls
from rfuav_ray.cli.trainer_keys import ConfigFields, training_fields, unknown
from rfuav_ray.errors import InvalidInput, RfuavError
from rfuav_ray.file_access.limits import MAX_CONFIG_BYTES
from rfuav_ray.file_access.reading import read_file
from rfuav_ray.images.class_folders import class_folders
from rfuav_ray.settings import Settings
from rfuav_ray.yaml_files import load_plain, repeated_keys

RequestT = TypeVar("RequestT", bound=Request)

WORKING_FOLDER = PathStart()


def training_request(
    config: Path | None, flags: Mapping[str, Any], start: PathStart = WORKING_FOLDER
) -> TrainingRequest:
    """Build a training request. Counts the class folders when `num_classes` is missing.

    Relative paths become absolute from `start`, as in all functions of this module. Raises RfuavError.
    """
    merged = _merged(TrainingRequest, config, flags, start)
    fields = merged.fields
    if "num_classes" not in fields and "train_path" in fields and not merged.problems:
        fields["num_classes"] = _count_classes(Path(fields["train_path"]))
    return _validated(TrainingRequest, merged)


def inference_request(
    config: Path | None, flags: Mapping[str, Any], sources: Sequence[str], start: PathStart = WORKING_FOLDER
) -> InferenceRequest | BatchInferenceRequest:
    """Build an inference request. Several sources make a batch with `save_path` as its base. Raises RfuavError."""
    merged = _merged(InferenceRequest, config, {**flags, "source_path": sources[0] if sources else None}, start)
    fields = merged.fields
    if len(sources) < 2:
        return _validated(InferenceRequest, merged)
    fields["source_paths"] = [start.absolute(source, "--source") for source in sources]
    if "save_path" in fields:
        fields["save_base_path"] = fields.pop("save_path")
    del fields["source_path"]
    for name in fields:
        if name not in BatchInferenceRequest.model_fields:
            raise InvalidInput(name, "cannot be set for several sources, because each source becomes a task.")
    return _validated(BatchInferenceRequest, merged)


def request_of(
    kind: Kind, config: Path | None, parameters: Mapping[str, Any], start: PathStart = WORKING_FOLDER
) -> Request:
    """Build the request of a task from the parameters of a command that are fields of it. Raises RfuavError."""
    return _validated(kind.request, _merged(kind.request, config, parameters, start))


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


def _merged(kind: type[Request], config: Path | None, flags: Mapping[str, Any], start: PathStart) -> ConfigFields:
    read = ConfigFields() if config is None else _read_config(config, kind)
    from_flags = given(kind, flags)
    fields = with_nulls(kind, read.fields | from_flags)
    outputs = OUTPUT_FIELDS
    if kind is DataAugmentationRequest and "output_path" not in fields:
        outputs |= {"dataset_path"}  # The results get a folder beside it.
    for name, value in fields.items():
        if name.endswith("_path") and isinstance(value, str | Path) and str(value):
            fields[name] = start.absolute(value, name, outputs)
    key_of = {name: key for name, key in read.key_of.items() if name not in from_flags}
    return replace(read, fields=fields, key_of=key_of)


def _read_config(path: Path, kind: type[Request]) -> ConfigFields:
    try:
        text = read_file(path, largest_bytes=MAX_CONFIG_BYTES).decode("utf-8-sig")
        content = load_plain(text)
        document = yaml.compose(text, Loader=yaml.CSafeLoader)
    except OSError as error:
        raise InvalidInput("--config", f"'{path}' cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput("--config", f"'{path}' is not a text file in UTF-8.") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidInput("--config", f"'{path}' is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise InvalidInput("--config", f"'{path}' must hold lines like '{next(iter(kind.model_fields))}: …'.")
    if isinstance(document, yaml.MappingNode) and (repeated := repeated_keys(document)):
        raise InvalidInput("--config", f"'{path}' has {', '.join(repeated)} more than once; keep one.")
    if kind is not TrainingRequest:
        # A field without a value means the default.
        fields = {
            name: value for name, value in content.items() if value is not None and name in kind.model_fields
        }
        problems = unknown([name for name in content if name not in kind.model_fields], kind.model_fields)
        return ConfigFields(fields=fields, problems=[f"in '{path}', {problem}" for problem in problems])
    read = training_fields(content, kind.model_fields)
    for note in read.notes:
        print(f"Warning: in '{path}', {note}.", file=sys.stderr)
    return replace(read, problems=[f"in '{path}', {problem}" for problem in read.problems])


def _count_classes(train_path: Path) -> int:
    if not train_path.is_dir():
        raise InvalidInput(
            "num_classes",
            f"cannot be counted, because there is no folder '{train_path}' here; set --num-classes "
            "or correct --train-path.",
        )
    return len(class_folders(train_path, field="train_path"))


def _validated(kind: type[RequestT], merged: ConfigFields) -> RequestT:
    problems = list(merged.problems)
    request = None
    try:
        request = kind.model_validate(merged.fields)
    except ValidationError as error:
        problems.append(_explain(error, name_of=lambda name: merged.key_of.get(name, name)))
    if problems or request is None:
        raise RfuavError("; ".join(problems))
    return request


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
