"""The steps that inferences and evaluations share, from the model to the rows of the pictures in the log."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import torch

from rfuav_ray.api.requests import EvaluationRequest, InferenceRequest
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.inference.batches import classified
from rfuav_ray.inference.class_order import ordered
from rfuav_ray.inference.classifier import Classifier
from rfuav_ray.inference.pictures import Pictures
from rfuav_ray.inference.prediction_log import PredictionLog, work_digest
from rfuav_ray.inference.progress import InferenceProgress
from rfuav_ray.machine.gpu_memory import explaining_out_of_memory
from rfuav_ray.models.config import ModelConfig, load_model_config

ModelRequest = InferenceRequest | EvaluationRequest
_ADVICE = "Use a model with a smaller image_size, or run fewer tasks on it at once."


@contextmanager
def logging_rows(save_path: Path, run_id: str) -> Iterator[PredictionLog]:
    """The log of a block that classifies. A GPU that is out of memory becomes a RunError."""
    with PredictionLog(save_path, run_id) as log, explaining_out_of_memory(_ADVICE):
        yield log


def config_of(request: ModelRequest, report: Report) -> ModelConfig:
    """The config of the request's model, in the order of classes that the request asks for."""
    return ordered(load_model_config(Path(request.cfg_path)), request.class_order, report)


def classifier_of(request: ModelRequest, config: ModelConfig, device: str, report: Report) -> Classifier:
    return Classifier(config, Path(request.weight_path), torch.device(device), request.precision, report)


def go_on(
    log: PredictionLog,
    request: ModelRequest,
    config: ModelConfig,
    pictures: Pictures,
    progress: InferenceProgress,
    report: Report,
    *,
    resume: bool,
) -> None:
    """Begin the log, after what an interrupted run left of the same work. What has changed is a WARNING."""
    work = work_digest(config, Path(request.weight_path), pictures)
    if resume and log.has_other_work(work):
        message = (
            "The source, the config or the weights have changed since the interruption, or its rows are damaged. "
            "It starts from the beginning."
        )
        report(RunEvent(message=message, level="WARNING"))
    kept = log.kept(work, pictures.after(0)) if resume else ()
    log.begin(work, progress.count_earlier(kept))
    if log.changed is not None:
        message = f"'{log.changed}' has changed since the interruption: the inference resumes before it."
        report(RunEvent(message=message, level="WARNING"))


def classify_all(
    classifier: Classifier,
    pictures: Pictures,
    log: PredictionLog,
    progress: InferenceProgress,
    batch_size: int | None,
    *,
    keeps_logits: bool = False,
) -> None:
    """Classify what the log does not have, and add a row for each picture, in their order.

    Raises:
        RunError: Nothing can be read, or the model gives probabilities that are not finite.
        Exception: Whatever the `report` of the progress raises.
    """
    batches = classified(classifier, pictures, progress.done, batch_size, keeps_logits=keeps_logits)
    with closing(batches):
        for rows in batches:
            # Rows are logged before they are reported, because a report may raise.
            log.add(rows)
            progress.batch_done([done.row for done in rows])
    progress.require_a_prediction()
