"""The response bodies of the HTTP API."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rfuav_ray.api.kinds import KINDS, PreprocessingKind, TaskKind
from rfuav_ray.api.results import (
    AsStored,
    EpochMetrics,
    Prediction,
    PreprocessingStats,
    RecordingPrediction,
    TaskResult,
)
from rfuav_ray.tasks import TaskRecord, TaskStatus


class Response(BaseModel):
    model_config = ConfigDict(protected_namespaces=())


class WorkerPlaceResponse(Response):
    """Where one of several workers of a training is."""

    device: str
    node: str = Field(description="host name")


class TaskResponse(Response):
    task_id: str
    task_type: TaskKind
    status: TaskStatus
    message: str = Field(description="the state in words, for example what a pending task waits for")
    progress: float = Field(description="percent")
    device: str = Field(description="the requested device; once the task runs, the device that it uses")
    priority: int
    current_epoch: int | None = Field(description="of a training, from 1; 0 before the first epoch")
    total_epochs: int | None
    latest_metrics: AsStored[EpochMetrics] | None = Field(
        description="of a training: metrics of the last finished epoch"
    )
    created_at: datetime
    updated_at: datetime
    description: str | None
    queue_position: int | None = Field(
        description="1 starts next among the tasks that wait for the same slots; null once the task runs"
    )
    eta_seconds: float | None = Field(description="estimate of a running task's remaining time")
    error: str | None = Field(description="the reason, if the task has failed")
    result: AsStored[TaskResult] | None = Field(description="files and numbers; null until the task has completed")
    warnings: int = Field(description="WARNING entries in the task's log so far")
    workers: list[WorkerPlaceResponse] = Field(
        description="of a training with num_workers > 1: where its workers are or were; else empty"
    )


class PreprocessingResponse(Response):
    task_id: str
    task_type: PreprocessingKind
    status: TaskStatus
    message: str
    progress: float = Field(description="percent")
    input_path: str
    output_path: str
    stats: AsStored[PreprocessingStats] | None = Field(
        description="counts of the results; null until the task has completed"
    )
    created_at: datetime
    updated_at: datetime
    warnings: int = Field(description="WARNING entries in the task's log so far")


class TaskActionResponse(Response):
    status: Literal["success", "error"]
    message: str
    task_id: str


class BatchInferenceResponse(Response):
    status: Literal["success", "error"]
    message: str
    task_ids: list[str]
    total: int


class TaskListResponse(Response):
    """One page (`limit`, `offset`) of the matching tasks, newest first. The totals count all matches."""

    training_tasks: list[TaskResponse]
    inference_tasks: list[TaskResponse]
    evaluation_tasks: list[TaskResponse]
    preprocessing_tasks: list[TaskResponse]
    audit_tasks: list[TaskResponse]
    total_training: int
    total_inference: int
    total_evaluation: int
    total_preprocessing: int
    total_audit: int


class PredictionsResponse(Response):
    task_id: str
    model: str
    total: int
    offset: int
    limit: int
    predictions: list[AsStored[Prediction]]


class RecordingsResponse(Response):
    task_id: str
    model: str
    total: int
    offset: int
    limit: int
    recordings: list[AsStored[RecordingPrediction]]


class Artifact(Response):
    name: str
    size_bytes: int
    url: str


class ArtifactsResponse(Response):
    """The existing files of a task."""

    task_id: str
    folder: str
    artifacts: list[Artifact]


class FolderEntry(Response):
    name: str
    path: str
    kind: Literal["folder", "file"]
    size_bytes: int | None


class FolderResponse(Response):
    """Folders first, then files, by name."""

    path: str | None = Field(description="null: the entries are the folders that the service may use")
    parent: str | None = Field(description="null: the service may not use the parent folder")
    entries: list[FolderEntry]
    is_complete: bool = Field(description="false: the folder has more entries than this list")


class ResourceStatusResponse(Response):
    device_usage: dict[str, dict[str, int]] = Field(description="slots in use, by device and kind")
    active_tasks: dict[str, list[dict[str, str]]] = Field(description="running tasks, by device")
    limits: dict[str, dict[str, int]] = Field(
        description="number of slots, by device and kind; those of `cpu` are on each node"
    )
    gpu_info: dict[str, Any]


class ConfigUpdateResponse(Response):
    status: Literal["success", "error"]
    message: str
    current_config: dict[str, dict[str, int]] = Field(description="the new limits, by device and kind")


class HealthResponse(Response):
    status: Literal["healthy", "unhealthy"]
    timestamp: datetime
    version: str
    training_tasks: int = Field(description="pending and running tasks")
    inference_tasks: int = Field(description="pending and running tasks")
    active_log_streams: int
    resource_status: dict[str, Any] | None = Field(None, description="left out for a client without a key")


class SessionResponse(Response):
    name: str | None = Field(description="the name of the key; null in a service without keys")
    scope: Literal["read", "write", "admin"]


class InfoResponse(Response):
    app_name: str
    version: str
    environment: str
    supported_models: list[str]
    resource_limits: dict[str, int]
    gpu_available: bool
    notices: list[str] = Field(
        description="what users should know since the start of the service: for example that a damaged store was "
        "restored, and what may be missing in it"
    )


class FieldError(Response):
    field: str
    message: str


class ErrorResponse(Response):
    """The body of every error response."""

    status: Literal["error"] = "error"
    message: str
    detail: str | None = Field(None, description="same text as `message`, for clients that show only `detail`")
    errors: list[FieldError] = Field([], description="the invalid fields with the reasons, for programs")
    timestamp: datetime


def task_response(task: TaskRecord, *, queue_position: int | None = None) -> TaskResponse:
    return TaskResponse(
        task_id=task.id,
        task_type=task.kind,
        status=task.status,
        message=task.message,
        progress=round(task.progress, 2),
        device=task.device or task.wanted_device,
        priority=task.priority,
        current_epoch=task.current_epoch,
        total_epochs=task.total_epochs,
        latest_metrics=task.latest_metrics,
        created_at=task.created_at,
        updated_at=task.updated_at,
        description=task.description,
        queue_position=queue_position,
        eta_seconds=_eta_seconds(task),
        error=task.error,
        result=task.result,
        warnings=task.warnings,
        workers=[WorkerPlaceResponse(device=place.device, node=place.node) for place in task.workers],
    )


def preprocessing_response(task: TaskRecord) -> PreprocessingResponse:
    return PreprocessingResponse.model_validate(
        {
            "task_id": task.id,
            "task_type": task.kind,
            "status": task.status,
            "message": task.message,
            "progress": round(task.progress, 2),
            "input_path": KINDS[task.kind].input_path(task.request),
            "output_path": KINDS[task.kind].output_place(task.request),
            "stats": task.result["stats"] if task.result and "stats" in task.result else None,
            "created_at": task.created_at,
            "updated_at": task.updated_at,
            "warnings": task.warnings,
        }
    )


def _eta_seconds(task: TaskRecord) -> float | None:
    done = task.progress - task.started_progress
    if task.status is not TaskStatus.RUNNING or task.started_at is None or done <= 0:
        return None
    # Measure up to the last reported progress. The time since then would lower the pace without cause.
    elapsed_s = (task.updated_at - task.started_at).total_seconds()
    return round(elapsed_s * (100 - task.progress) / done, 1)
