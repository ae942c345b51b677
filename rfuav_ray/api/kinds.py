"""The kinds of tasks: one record each. Does not import torch or Ray.

A new kind needs a request model, a result type (`rfuav_ray.api.results`), a record here, a check
(`preprocessing.checks`, `rfuav_ray.api.preflight`) and a run function (`actors.runs.runner`). Routes, client,
command line, page and limits read the record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from rfuav_ray.api.requests import (
    AuditRequest,
    DataAugmentationRequest,
    DatasetSplitRequest,
    EvaluationRequest,
    ImageCropRequest,
    InferenceRequest,
    Request,
    SpectrogramRequest,
    TrainingRequest,
)
from rfuav_ray.api.results import (
    AuditResult,
    AugmentResult,
    CropResult,
    EvaluationResult,
    InferenceResult,
    PreprocessingResult,
    SpectrogramResult,
    SplitResult,
    TaskResult,
    TrainingResult,
)
from rfuav_ray.api.validation_messages import explained
from rfuav_ray.errors import RunError
from rfuav_ray.objects.urls import is_object_url
from rfuav_ray.outputs.artifacts import (
    AUDIT_FILE,
    DATASET_FILE,
    EPOCH_CHECKPOINT,
    EVALUATION_FILES,
    INFERENCE_FILES,
    JSONL_INDEX,
    RECORDINGS_INDEX,
    TRAINING_FILES,
)

#: pydantic and OpenAPI need the names as literals; a test compares them with KINDS
TaskKind = Literal["training", "inference", "evaluation", "split", "augment", "crop", "spectrogram", "audit"]
PreprocessingKind = Literal["split", "augment", "crop", "spectrogram", "audit"]
#: a device has slots of each of these, with a limit of its own
SlotKind = Literal["training", "inference", "preprocessing"]


#: the fields of requests that name what a task writes. All other fields `…_path` name what it reads
OUTPUT_FIELDS = frozenset({"save_path", "output_path"})


@dataclass(frozen=True)
class Kind:
    name: TaskKind
    request: type[Request]
    #: the TypedDict of `TaskRecord.result`
    result: type[TaskResult]
    #: the slots that its runs take
    slot_kind: SlotKind
    #: the route that starts it
    path: str
    #: for the command line and the description of the route
    summary: str
    #: how long a cancelled run may take to stop by itself before it is killed
    cancel_grace_s: float
    #: the field of the request that names the input
    input_field: str
    #: the files that clients may download
    artifacts: tuple[str, ...] = (DATASET_FILE,)
    #: the files that only the service itself reads
    internal_files: tuple[str, ...] = ()
    #: whether a list of its own in `GET /api/v2/tasks` shows its tasks; else that of its slots does
    has_own_list: bool = False
    #: whether a run spreads its work over workers of Ray Data
    has_workers: bool = False

    @property
    def list_name(self) -> str:
        return self.name if self.has_own_list else self.slot_kind

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files that a task of this kind leaves behind."""
        return self.artifacts + self.internal_files

    @cached_property
    def shares_folder(self) -> bool:
        """Whether the output folder may hold results of other tasks; else it must be new or empty."""
        return "save_path" in self.request.model_fields

    def input_path(self, request: Mapping[str, Any]) -> str:
        """Return the input that the lists of tasks show."""
        # An audit may name train_path and val_path instead of a data set.
        path: str = request[self.input_field] or request["train_path"]
        return path

    def input_paths(self, request: Mapping[str, Any]) -> list[str]:
        """Return the files and folders of the machine that a task with this request reads."""
        fields = [field for field in self.request.model_fields if field.endswith("_path")]
        paths = [request[field] for field in fields if field not in OUTPUT_FIELDS and request.get(field)]
        return [path for path in paths if not is_object_url(path)]

    def input_urls(self, request: Mapping[str, Any]) -> dict[str, str]:
        """Return what a task with this request reads from buckets, by the fields of the request."""
        fields = [field for field in self.request.model_fields if field.endswith("_path")]
        urls = {field: request.get(field) or "" for field in fields if field not in OUTPUT_FIELDS}
        return {field: url for field, url in urls.items() if is_object_url(url)}

    def output_url(self, request: Mapping[str, Any]) -> str | None:
        """Return the prefix of a bucket that a task with this request writes instead of a folder."""
        url = request.get("output_path") or ""
        return url if is_object_url(url) else None

    def output_place(self, request: Mapping[str, Any]) -> str:
        """Return the folder, or the prefix of a bucket, that a task with this request writes to."""
        return self.output_url(request) or str(self.output_folder(request))

    def output_folder(self, request: Mapping[str, Any]) -> Path:
        """Return the folder that a task with this request writes to."""
        if not self.shares_folder:
            return Path(request["output_path"])
        folder = Path(request["save_path"])
        return folder / request["name"] if request.get("name") else folder


def lists() -> dict[str, list[str]]:
    """Return the names of the lists of `GET /api/v2/tasks`, and the kinds that each one shows."""
    found: dict[str, list[str]] = {}
    for kind in KINDS.values():
        found.setdefault(kind.list_name, []).append(kind.name)
    return found


def _preprocessing(
    name: PreprocessingKind,
    request: type[Request],
    result: type[PreprocessingResult],
    summary: str,
    input_field: str,
) -> Kind:
    return Kind(
        name,
        request,
        result,
        slot_kind="preprocessing",
        path=f"/api/v2/preprocessing/{name}",
        summary=summary,
        # It stops after the file in hand, and then removes the files that it has made.
        cancel_grace_s=60.0,
        input_field=input_field,
        has_workers=True,
    )


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "training",
            TrainingRequest,
            TrainingResult,
            slot_kind="training",
            path="/api/v2/training/start",
            summary="Train an image classifier.",
            # It first finishes writing an epoch, because the files of an epoch belong together.
            cancel_grace_s=10.0,
            input_field="train_path",
            artifacts=tuple(TRAINING_FILES.values()),
            internal_files=(EPOCH_CHECKPOINT,),
        ),
        Kind(
            "inference",
            InferenceRequest,
            InferenceResult,
            slot_kind="inference",
            path="/api/v2/inference/start",
            summary="Classify images and recordings.",
            cancel_grace_s=2.0,
            input_field="source_path",
            artifacts=INFERENCE_FILES,
            internal_files=(JSONL_INDEX, RECORDINGS_INDEX),
        ),
        Kind(
            "evaluation",
            EvaluationRequest,
            EvaluationResult,
            slot_kind="inference",
            path="/api/v2/evaluation/start",
            summary="Measure how good a model is: scores with intervals, SNR curve, calibration, unknown signals.",
            cancel_grace_s=5.0,
            input_field="data_path",
            artifacts=tuple(EVALUATION_FILES.values()),
            has_own_list=True,
        ),
        _preprocessing(
            "split",
            DatasetSplitRequest,
            SplitResult,
            "Split `<class>/<image>` randomly into train, valid and, with `val_ratio`, test. Files are copied.",
            "input_path",
        ),
        _preprocessing(
            "augment",
            DataAugmentationRequest,
            AugmentResult,
            "Write each image of train and valid unchanged, and once changed by each method.",
            "dataset_path",
        ),
        _preprocessing(
            "crop", ImageCropRequest, CropResult, "Cut one rectangle out of every image.", "input_path"
        ),
        _preprocessing(
            "spectrogram",
            SpectrogramRequest,
            SpectrogramResult,
            "Draw the spectrograms of IQ recordings; folders `<class>/<recording>` become a data set.",
            "input_path",
        ),
        Kind(
            "audit",
            AuditRequest,
            AuditResult,
            slot_kind="preprocessing",
            path="/api/v2/preprocessing/audit",
            summary="Tell whether the parts of a data set share recordings or images, and what else is doubtful.",
            cancel_grace_s=10.0,
            input_field="dataset_path",
            artifacts=(AUDIT_FILE,),
            has_own_list=True,
        ),
    )
}
PREPROCESSING_KINDS = tuple(kind for kind in KINDS.values() if kind.slot_kind == "preprocessing")


def kinds_of(slot_kind: SlotKind) -> tuple[TaskKind, ...]:
    """Return the names of the kinds whose runs take these slots."""
    return tuple(kind.name for kind in KINDS.values() if kind.slot_kind == slot_kind)


def parse_request(kind: str, fields: dict[str, Any]) -> Request:
    """Return the request of a stored task.

    Raises:
        RunError: An earlier version accepted it, and this one does not.
    """
    try:
        return KINDS[kind].request.model_validate(fields)
    except ValidationError as error:
        raise RunError(
            f"This version does not accept the task's request: {explained(error)}. Submit it again."
        ) from None
