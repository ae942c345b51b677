"""Classifies an image, or every image of a folder, with trained weights."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import torch

from rfuav_ray.api.requests import InferenceRequest
from rfuav_ray.api.results import InferenceResult
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean, ignore
from rfuav_ray.files import IMAGE_KINDS, remove_temporaries
from rfuav_ray.images.dataset_card import differences, read_card
from rfuav_ray.inference.batches import classified
from rfuav_ray.inference.class_order import ordered
from rfuav_ray.inference.classifier import Classifier
from rfuav_ray.inference.prediction_log import PredictionLog, work_digest
from rfuav_ray.inference.predictions import writing_predictions
from rfuav_ray.inference.progress import InferenceProgress
from rfuav_ray.machine.gpu_memory import explaining_out_of_memory
from rfuav_ray.models.config import ModelConfig, load_model_config
from rfuav_ray.outputs.ownership import claim_without_task
from rfuav_ray.walk import LeftOut, find_images, tell_left_out


def infer(
    request: InferenceRequest,
    *,
    save_path: Path,
    report: Report = ignore,
    device: str = "cpu",
    batch_size: int | None = None,
    run_id: str = "",
    resume: bool = False,
    roots: Sequence[Path] = (),
) -> InferenceResult:
    """Classify images and write their predictions to `save_path`, as CSV, JSON and JSONL.

    An unreadable image in a folder is reported and left out.

    Args:
        request: What to classify, with absolute paths.
        save_path: The results folder. It overrides the request's.
        report: Receives the events. It may raise RunCancelled or RunInterrupted to stop the inference.
        device: A torch device. It overrides the request's.
        batch_size: None chooses one for the device.
        run_id: Identifies the run for `resume`.
        resume: Whether to resume after the last image of an interrupted or killed run. This needs the same
            `run_id`, which must not be empty, and the same images, config and weights.
        roots: Folders that links in the source may lead into. None: they may lead anywhere.

    Returns:
        The result of the task: files, counts, classes and speed.

    Raises:
        InvalidInput: The config cannot be used.
        TaskConflict: The folder holds results, and `on_existing` is `refuse`.
        RunError: The weights or the source cannot be used, or no image can be read.
        OSError: A file cannot be read or written.
        Exception: Whatever `report` raises.
    """
    source, weight_path = Path(request.source_path), Path(request.weight_path)
    advice = "Use a model with a smaller image_size, or run fewer tasks on it at once."
    with PredictionLog(save_path, run_id) as log, explaining_out_of_memory(advice):
        config = ordered(load_model_config(Path(request.cfg_path)), request.class_order, report)
        left_out = LeftOut()
        images = _images(source, roots, left_out)
        if resume:
            remove_temporaries(save_path)  # of a run that was killed while it wrote its results
        tally = InferenceProgress(source, len(images), report)
        classifier = Classifier(config, weight_path, torch.device(device), request.precision, report)
        work = work_digest(config, weight_path, images)
        _go_on(log, work, images, tally, report, resume=resume)
        claim_without_task(save_path, "inference", run_id, report, request.on_existing)
        counts = tell_left_out([(source, left_out)], report)
        _compare_settings(config, source, report)
        tally.started(f"Classifying {len(images)} images with {config.model} ({config.num_classes} classes).")
        with closing(classified(classifier, images[tally.done :], tally, batch_size)) as batches:
            for rows in batches:
                # Rows are logged before they are reported, because a report may raise.
                log.add(rows)
                tally.batch_done([row for _, row in rows])
        tally.require_a_prediction()
        with writing_predictions(save_path, model=config.model) as write:
            for prediction in log.predictions():
                write(prediction)
        tally.ended()
    return tally.result(save_path, config.model, request.class_order, counts)


def _go_on(
    log: PredictionLog,
    work: str,
    images: Sequence[Path],
    tally: InferenceProgress,
    report: Report,
    *,
    resume: bool,
) -> None:
    """Begin the log, after what an interrupted run left of the same work. What has changed is a WARNING."""
    if resume and log.has_other_work(work):
        message = (
            "The images, the config or the weights have changed since the interruption. The inference starts from "
            "the beginning."
        )
        report(RunEvent(message=message, level="WARNING"))
    kept = log.kept(work, ((tally.name(image), image) for image in images)) if resume else ()
    log.begin(work, tally.count_earlier(kept))
    if log.changed is not None:
        message = f"'{log.changed}' has changed since the interruption: the inference resumes before it."
        report(RunEvent(message=message, level="WARNING"))


def _compare_settings(config: ModelConfig, source: Path, report: Report) -> None:
    """Report a WARNING if the model's spectrograms and those of the source were made differently."""
    try:
        # The source may be an image or a class of a part of a data set, whose card is two folders above.
        card = read_card(source if source.is_dir() else source.parent, parents=2)
    except RunError as error:
        message = f"Whether the images were made like those of the training is not known: {error}"
        report(RunEvent(message=clean(message), level="WARNING"))
        return
    if card is not None and (differing := differences(config.stft, card.stft)):
        message = (
            "The spectrograms of the training and of the source were made with different settings (model.yaml and "
            f"dataset.yaml): {'; '.join(differing)}."
        )
        report(RunEvent(message=clean(message), level="WARNING"))


def _images(source: Path, roots: Sequence[Path], left_out: LeftOut) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise RunError(f"{source} does not exist: choose an image or a folder with images.")
    images = find_images(source, roots=roots, left_out=left_out)
    if not images:
        sentence = left_out.describe(source)
        raise RunError(f"There is no image ({IMAGE_KINDS}) in {source} or below it. {sentence}".strip())
    return images
