"""The calls of the HTTP API (verb, path and body), shared by the blocking and the async client."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Generic, TypeVar, Union

from rfuav_ray.api.kinds import KINDS
from rfuav_ray.api.requests import (
    AuditRequest,
    BatchInferenceRequest,
    DataAugmentationRequest,
    DatasetSplitRequest,
    EvaluationRequest,
    ImageCropRequest,
    InferenceRequest,
    SpectrogramRequest,
    TrainingRequest,
)
from rfuav_ray.client.request_fields import with_fields
from rfuav_ray.errors import TaskNotFound

PathLikeText = Union[str, "PathLike[str]"]
#: the type that a call returns: the response object, or an awaitable of it
AnswerT = TypeVar("AnswerT")


def task_path(task_id: str, ending: str = "", *, area: str = "tasks") -> str:
    """Return the path of a task's route. Raises TaskNotFound for an impossible id, such as an empty one."""
    if not re.fullmatch(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}", task_id):
        raise TaskNotFound(task_id)
    return f"/api/v2/{area}/{task_id}{ending}"


class ServiceCalls(ABC, Generic[AnswerT]):
    """Keyword arguments are the fields of the request. Each call returns the response body as a dict.

    Each call raises ServiceUnreachable when no service answers, and ServiceError when the service rejects it.
    """

    @abstractmethod
    def _send(
        self,
        verb: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> AnswerT: ...

    @with_fields(TrainingRequest)
    def start_training(
        self,
        model: str,
        num_classes: int,
        train_path: PathLikeText,
        val_path: PathLikeText,
        save_path: PathLikeText,
        **options: Any,
    ) -> AnswerT:
        body = {
            "model": model,
            "num_classes": num_classes,
            "train_path": train_path,
            "val_path": val_path,
            "save_path": save_path,
            **options,
        }
        return self._send("POST", "/api/v2/training/start", body=body)

    @with_fields(InferenceRequest)
    def start_inference(
        self,
        cfg_path: PathLikeText,
        weight_path: PathLikeText,
        source_path: PathLikeText,
        **options: Any,
    ) -> AnswerT:
        body = {"cfg_path": cfg_path, "weight_path": weight_path, "source_path": source_path, **options}
        return self._send("POST", "/api/v2/inference/start", body=body)

    @with_fields(BatchInferenceRequest)
    def start_batch_inference(
        self,
        cfg_path: PathLikeText,
        weight_path: PathLikeText,
        source_paths: Sequence[PathLikeText],
        **options: Any,
    ) -> AnswerT:
        body = {"cfg_path": cfg_path, "weight_path": weight_path, "source_paths": source_paths, **options}
        return self._send("POST", "/api/v2/inference/batch", body=body)

    @with_fields(EvaluationRequest)
    def start_evaluation(
        self, cfg_path: PathLikeText, weight_path: PathLikeText, data_path: PathLikeText, **options: Any
    ) -> AnswerT:
        body = {"cfg_path": cfg_path, "weight_path": weight_path, "data_path": data_path, **options}
        return self._send("POST", "/api/v2/evaluation/start", body=body)

    def start_task(self, kind: str, **fields: Any) -> AnswerT:
        """Start a task of any kind.

        Args:
            kind: Its name in `rfuav_ray.api.kinds`.
            fields: The fields of that kind's request.

        Raises:
            KeyError: There is no such kind.
        """
        return self._send("POST", KINDS[kind].path, body=fields)

    @with_fields(DatasetSplitRequest)
    def split_dataset(self, input_path: PathLikeText, output_path: PathLikeText, **options: Any) -> AnswerT:
        body = {"input_path": input_path, "output_path": output_path, **options}
        return self._send("POST", "/api/v2/preprocessing/split", body=body)

    @with_fields(DataAugmentationRequest)
    def augment_dataset(self, dataset_path: PathLikeText, **options: Any) -> AnswerT:
        body = {"dataset_path": dataset_path, **options}
        return self._send("POST", "/api/v2/preprocessing/augment", body=body)

    @with_fields(ImageCropRequest)
    def crop_images(
        self,
        input_path: PathLikeText,
        output_path: PathLikeText,
        *,
        x: int,
        y: int,
        width: int,
        height: int,
        **options: Any,
    ) -> AnswerT:
        body = {
            "input_path": input_path,
            "output_path": output_path,
            "x": x,
            "y": y,
            "width": width,
            "height": height,
            **options,
        }
        return self._send("POST", "/api/v2/preprocessing/crop", body=body)

    @with_fields(SpectrogramRequest)
    def make_spectrograms(self, input_path: PathLikeText, output_path: PathLikeText, **options: Any) -> AnswerT:
        body = {"input_path": input_path, "output_path": output_path, **options}
        return self._send("POST", "/api/v2/preprocessing/spectrogram", body=body)

    @with_fields(AuditRequest)
    def audit_dataset(self, dataset_path: PathLikeText | None = None, **options: Any) -> AnswerT:
        """Audit a data set, or `train_path` and `val_path`."""
        body = options if dataset_path is None else {"dataset_path": dataset_path, **options}
        return self._send("POST", "/api/v2/preprocessing/audit", body=body)

    def get_preprocessing(self, task_id: str) -> AnswerT:
        """Get a preprocessing task. `stats` is None until the task has completed."""
        return self._send("GET", task_path(task_id, area="preprocessing"))

    def get_task(self, task_id: str) -> AnswerT:
        return self._send("GET", task_path(task_id))

    def get_all_tasks(
        self,
        status: str | None = None,
        task_type: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> AnswerT:
        params = {"status": status, "task_type": task_type, "limit": limit, "offset": offset}
        return self._send("GET", "/api/v2/tasks", params=params)

    def get_inference_results(self, task_id: str, offset: int = 0, limit: int = 100) -> AnswerT:
        """Get one page of the predictions of an inference."""
        path = task_path(task_id, "/results", area="inference")
        return self._send("GET", path, params={"offset": offset, "limit": limit})

    def get_inference_recordings(self, task_id: str, offset: int = 0, limit: int = 100) -> AnswerT:
        """Get one page of the recordings of an inference, each with its verdict and segments."""
        path = task_path(task_id, "/recordings", area="inference")
        return self._send("GET", path, params={"offset": offset, "limit": limit})

    def get_evaluation(self, task_id: str) -> AnswerT:
        return self._send("GET", task_path(task_id, area="evaluation"))

    def get_evaluation_report(self, task_id: str) -> AnswerT:
        """Get the report.json of a completed evaluation."""
        return self._send("GET", task_path(task_id, "/report", area="evaluation"))

    def cancel_task(self, task_id: str) -> AnswerT:
        return self._send("POST", task_path(task_id, "/cancel"))

    def stop_training(self, task_id: str) -> AnswerT:
        return self._send("POST", task_path(task_id, "/stop", area="training"))

    def set_priority(self, task_id: str, priority: int) -> AnswerT:
        """Set the priority of a waiting task. 1 is the most urgent, 10 the least."""
        return self._send("POST", task_path(task_id, "/priority"), body={"priority": priority})

    def delete_task(self, task_id: str) -> AnswerT:
        """Delete the record of an ended task."""
        return self._send("DELETE", task_path(task_id))

    def get_resources(self) -> AnswerT:
        return self._send("GET", "/api/v2/resources")

    def get_gpu_info(self) -> AnswerT:
        return self._send("GET", "/api/v2/resources/gpu")

    def update_resource_config(self, max_concurrent: Mapping[str, Mapping[str, int]]) -> AnswerT:
        """Change limits: `{device: {"training": int, "inference": int}}`. Omitted limits stay unchanged."""
        return self._send("POST", "/api/v2/resources/config", body={"max_concurrent": max_concurrent})

    def health(self) -> AnswerT:
        """Get the health report. An `unhealthy` status does not raise."""
        return self._send("GET", "/api/v1/health")

    def info(self) -> AnswerT:
        return self._send("GET", "/api/v1/info")
