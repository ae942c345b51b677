"""Measures how good a model is on labelled images and recordings."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.api.results import EvaluationResult
from rfuav_ray.evaluation.data.collected import Collected, collect
from rfuav_ray.evaluation.measured import measured
from rfuav_ray.evaluation.outputs import result_of, summary, write_outputs
from rfuav_ray.evaluation.report.about import keeping_warnings
from rfuav_ray.evaluation.score_table import writing_scores
from rfuav_ray.evaluation.scored import Outcomes
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.file_access.roots import confined
from rfuav_ray.files import remove_temporaries
from rfuav_ray.inference.classifier import Classifier
from rfuav_ray.inference.prediction_log import PredictionLog
from rfuav_ray.inference.progress import InferenceProgress
from rfuav_ray.inference.steps import classifier_of, classify_all, config_of, go_on, logging_rows
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.outputs.artifacts import EVALUATION_FILES
from rfuav_ray.outputs.ownership import claim_without_task

#: the part of the progress that scoring has
SCORING_SHARE = 0.9
#: rows between two signs of life
_ROWS_PER_REPORT = 1000


@confined
def evaluate_model(
    request: EvaluationRequest,
    *,
    save_path: Path,
    report: Report = ignore,
    device: str = "cpu",
    batch_size: int | None = None,
    run_id: str = "",
    resume: bool = False,
    roots: Sequence[Path] = (),
) -> EvaluationResult:
    """Score a model on labelled data, and write its numbers, plots and scores to `save_path`.

    Args:
        request: What to evaluate, with absolute paths.
        save_path: The results folder. It overrides the request's.
        report: Receives the events. It may raise RunCancelled or RunInterrupted to stop the evaluation.
        device: A torch device. It overrides the request's.
        batch_size: None chooses one for the device.
        run_id: Identifies the run for `resume`.
        resume: Whether to resume after the last picture of an interrupted or killed run. This needs the same
            `run_id`, which must not be empty, and the same data, config and weights.
        roots: The run opens files below these folders only, wherever links lead. None: anywhere.

    Returns:
        The numbers, and the paths of the files.

    Raises:
        InvalidInput: The config or the data cannot be used. The error names the field.
        TaskConflict: The folder holds results, and `on_existing` is `refuse`.
        RunError: The weights cannot be used, or nothing can be scored.
        OSError: A file cannot be read or written.
        Exception: Whatever `report` raises.
    """
    warnings: list[str] = []
    report = keeping_warnings(warnings, report)
    with logging_rows(save_path, run_id) as log:
        config = config_of(request, report)
        collected = collect(request, config, report, roots)
        if resume:
            remove_temporaries(save_path)  # of a run that was killed while it wrote its results
        classifier = classifier_of(request, config, device, report)
        # Before the scoring, which may take hours: the folder may be refused.
        claim_without_task(save_path, "evaluation", run_id, report, request.on_existing)
        _score(request, collected, classifier, log, report, batch_size, resume=resume)
        outcomes = _read(log, collected, config, save_path, report)
        numbers = measured(request, collected, outcomes, config, report, roots)
        files = write_outputs(request, numbers, config, save_path, warnings, report)
    report(RunEvent(message=summary(numbers.report), progress=100))
    return result_of(numbers.report, config, save_path, files)


def _score(
    request: EvaluationRequest,
    collected: Collected,
    classifier: Classifier,
    log: PredictionLog,
    report: Report,
    batch_size: int | None,
    *,
    resume: bool,
) -> None:
    """Classify all pictures. The log gets a row for each, in their order."""

    def report_share(event: RunEvent) -> None:
        progress = None if event.progress is None else SCORING_SHARE * event.progress
        report(replace(event, progress=progress))

    config, pictures = classifier.config, collected.work.pictures
    progress = InferenceProgress(Path(request.data_path), pictures, report_share)
    go_on(log, request, config, pictures, progress, report, resume=resume)
    progress.started(f"{collected.work.described} are scored with {config.model} ({config.num_classes} classes).")
    classify_all(classifier, pictures, log, progress, batch_size, keeps_logits=True)
    message = f"Scored {len(pictures)} images and windows, {progress.pace.per_second} a second."
    report_share(RunEvent(message=message, progress=100))


def _read(
    log: PredictionLog, collected: Collected, config: ModelConfig, save_path: Path, report: Report
) -> Outcomes:
    """Read the rows of the log back into arrays, and write scores.csv."""
    outcomes = Outcomes(collected.work, config.num_classes)
    path = save_path / EVALUATION_FILES["scores"]
    with writing_scores(path, config.class_names, config.temperature) as write:
        for number, (item, done, is_scored) in enumerate(outcomes.fill(log.rows())):
            if number % _ROWS_PER_REPORT == 0:
                report(RunEvent())  # raises if the task was cancelled
            if is_scored:
                write(item, done)
    return outcomes
