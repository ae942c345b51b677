"""Field types and the base class that the requests share."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    model_validator,
)

from rfuav_ray.api.requests.unknown_fields import warnings_about


def no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a NUL character")
    return text


def _one_folder(name: str) -> str:
    if "/" in name or "\\" in name or name in {".", ".."}:
        raise ValueError("must be the name of one folder, not a path, '.' or '..'")
    return name


def _not_only_dots(task_id: str) -> str:
    if not task_id.strip("."):
        raise ValueError("must contain a letter, a digit, '_' or '-', because the id is a part of paths and URLs")
    return task_id


#: the largest allowed limit of concurrent runs of one kind on one device
MAX_LIMIT = 1000

PathText = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(no_nul)]
FolderName = Annotated[
    str, Field(min_length=1, max_length=255), AfterValidator(no_nul), AfterValidator(_one_folder)
]
TaskId = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", examples=["night-run-7"]),
    AfterValidator(_not_only_dots),
]
OwnTaskId = Annotated[TaskId | None, Field(description="an id of your own for the task")]
Limit = Annotated[int, Field(ge=0, le=MAX_LIMIT)]
Priority = Annotated[int, Field(ge=1, le=10, description="1 is the most urgent")]
Precision = Annotated[
    Literal["auto", "fp32", "bf16"],
    Field(description="number format of the computation; `auto`: `bf16` where the device is faster with it"),
]
ClassOrder = Annotated[
    Literal["config", "sorted"],
    Field(
        description="class i is the i-th name of the config's list, or of the sorted list, as RFUAV's trainer "
        "numbers classes"
    ),
]
OnExisting = Annotated[
    Literal["keep", "overwrite", "refuse"],
    Field(
        description="results of an ended task in the folder: `keep` moves them to previous/<task id>, `overwrite` "
        "deletes them, `refuse` starts no task"
    ),
]
CopyTo = Annotated[
    Annotated[str, Field(min_length=1, max_length=4096)] | None,
    AfterValidator(lambda text: text and no_nul(text)),
    Field(description="s3://bucket/prefix: a completed task also writes its files to <prefix>/<task_id>"),
]
RealValues = Annotated[
    bool,
    Field(description="values are samples of a real signal, not I and Q; for files that cannot say which"),
]
Variable = Annotated[
    Annotated[str, Field(min_length=1, max_length=255)] | None,
    Field(description="the array in files that hold several (.mat, .h5)"),
]
Description = Annotated[
    Annotated[str, Field(max_length=10_000)] | None, Field(description="a note for the task list")
]


class Request(BaseModel):
    # The API has fields whose names start with "model". Unknown fields are ignored, as in the original service. A
    # warning names them.
    model_config = ConfigDict(protected_namespaces=(), frozen=True)

    _warnings: tuple[str, ...] = PrivateAttr(())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the client should know about its request: sentences for the log of the task."""
        return self._warnings

    def warn(self, sentences: tuple[str, ...]) -> None:
        """Add warnings. They are no fields: two requests that differ in them are stored alike."""
        self._warnings += sentences

    @model_validator(mode="wrap")
    @classmethod
    def _note_unknown_fields(cls, fields: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        request = validate(fields)
        if isinstance(fields, dict) and not fields.keys() <= cls.model_fields.keys():
            unknown = [name for name in fields if name not in cls.model_fields]
            request.warn(warnings_about(unknown, cls.model_fields))
        return request
