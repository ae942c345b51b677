"""Classifies images and recordings with trained weights."""

from collections.abc import Sequence
from pathlib import Path

from rfuav_ray.api.requests import InferenceRequest
from rfuav_ray.api.results import InferenceResult
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean, ignore
from rfuav_ray.file_access.roots import confined
from rfuav_ray.files import remove_temporaries
from rfuav_ray.images.dataset_card import differences, read_card
from rfuav_ray.inference.known_scores import described
from rfuav_ray.inference.pictures import ImageFile
from rfuav_ray.inference.progress import InferenceProgress
from rfuav_ray.inference.results.result_files import reserve, write_results
from rfuav_ray.inference.sources import pictures_of
from rfuav_ray.inference.steps import classifier_of, classify_all, config_of, go_on, logging_rows
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.outputs.artifacts import IMAGES_FOLDER
from rfuav_ray.outputs.ownership import claim_without_task


@confined
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
    """Classify images and recordings, and write their predictions to `save_path`, as CSV, JSON and JSONL.

    A recording is drawn in windows, each of which is classified as an image. What cannot be read is reported and
    left out.

    Args:
        request: What to classify, with absolute paths.
        save_path: The results folder. It overrides the request's.
        report: Receives the events. It may raise RunCancelled or RunInterrupted to stop the inference.
        device: A torch device. It overrides the request's.
        batch_size: None chooses one for the device.
        run_id: Identifies the run for `resume`.
        resume: Whether to resume after the last picture of an interrupted or killed run. This needs the same
            `run_id`, which must not be empty, and the same source, config and weights.
        roots: The run opens files below these folders only, wherever links lead. None: anywhere.

    Returns:
        The result of the task: files, counts, classes and speed.

    Raises:
        InvalidInput: The config cannot be used.
        TaskConflict: The folder holds results, and `on_existing` is `refuse`.
        RunError: The weights or the source cannot be used, or nothing in it can be read.
        OSError: A file cannot be read or written.
        Exception: Whatever `report` raises.
    """
    source = Path(request.source_path)
    with logging_rows(save_path, run_id) as log:
        config = config_of(request, report)
        pictures, left_out = pictures_of(request, config, save_path, report, roots)
        if resume:
            # Of a run that was killed while it wrote its results.
            remove_temporaries(save_path)
            remove_temporaries(save_path / IMAGES_FOLDER, and_below=True)
        progress = InferenceProgress(source, pictures, report)
        classifier = classifier_of(request, config, device, report)
        go_on(log, request, config, pictures, progress, report, resume=resume)
        claim_without_task(save_path, "inference", run_id, report, request.on_existing)
        reserve(save_path, pictures, request)
        if any(isinstance(one, ImageFile) for one in pictures.sources):
            _compare_settings(config, source, report)
        if unknown := described(config):
            report(RunEvent(message=unknown))
        progress.started(f"Classifying {pictures.described} with {config.model} ({config.num_classes} classes).")
        classify_all(classifier, pictures, log, progress, batch_size)
        totals = write_results(
            log.rows(), pictures, config, save_path, progress, is_annotated=request.annotate, report=report
        )
        progress.ended()
    return progress.result(save_path, config.model, request.class_order, left_out, totals)


def _compare_settings(config: ModelConfig, source: Path, report: Report) -> None:
    """Report a WARNING if the model's spectrograms and those of the source were made differently."""
    try:
        # The source may be an image or a class of a part of a data set, whose card is two folders above.
        card = read_card(source if source.is_dir() else source.parent, report, parents=2)
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
