"""Writes the files of an evaluation, and makes the result of its task from the numbers."""

import json
from pathlib import Path
from typing import cast

from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.api.results import EvaluationReport, EvaluationResult
from rfuav_ray.evaluation.measured import Measured
from rfuav_ray.evaluation.report.about import about
from rfuav_ray.evaluation.report.files import write
from rfuav_ray.events import Report, RunEvent
from rfuav_ray.file_access.folders import remove_file
from rfuav_ray.files import write_text
from rfuav_ray.models.config import Calibration, ModelConfig, save_model_config
from rfuav_ray.outputs.artifacts import EVALUATION_FILES

#: A task's result has no confusion matrix of more classes; report.json has it.
LARGEST_MATRIX = 100


def write_outputs(
    request: EvaluationRequest,
    numbers: Measured,
    config: ModelConfig,
    save_path: Path,
    warnings: list[str],
    report: Report,
) -> dict[str, str]:
    """Write the report for programs and for people, and with `calibrate` the calibrated model.yaml.

    `warnings` are those of the run so far.

    Returns:
        The paths of all files of the evaluation, by their keys in EVALUATION_FILES.
    """
    _write_config(request, numbers.report, config, save_path, report)
    write(save_path, numbers.report, about(request, config, numbers, warnings), report)
    text = json.dumps(numbers.report, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(save_path / EVALUATION_FILES["report"], f"{text}\n")
    return {key: str(save_path / name) for key, name in EVALUATION_FILES.items() if (save_path / name).is_file()}


def result_of(
    numbers: EvaluationReport, config: ModelConfig, save_path: Path, files: dict[str, str]
) -> EvaluationResult:
    """The result of the task."""
    facts = {**numbers, "save_path": str(save_path), "model": config.model, "files": files}
    if len(config.class_names) > LARGEST_MATRIX:
        facts.pop("confusion_matrix", None)
    return cast("EvaluationResult", facts)


def summary(numbers: EvaluationReport) -> str:
    """The last message of the log."""

    def shown(name: str, value: float) -> str:
        interval = numbers["intervals"].get(name)
        between = "" if interval is None else f" ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"
        return f"{100 * value:.1f} %{between}"

    return (
        f"Evaluated {numbers['n']} images and windows of {numbers['recordings']} recordings: accuracy "
        f"{shown('accuracy', numbers['accuracy'])}, macro F1 {shown('macro_f1', numbers['macro_f1'])}."
    )


def _write_config(
    request: EvaluationRequest, numbers: EvaluationReport, config: ModelConfig, save_path: Path, report: Report
) -> None:
    path, calibration, open_set = (
        save_path / EVALUATION_FILES["config"],
        numbers["calibration"],
        numbers["open_set"],
    )
    if not request.calibrate or calibration is None:
        remove_file(path)  # without a service nobody moves what an earlier run left here
        if request.calibrate:
            message = f"There is no calibrated {path.name}: nothing could be calibrated."
            report(RunEvent(message=message, level="WARNING"))
        return
    found = Calibration(temperature=calibration["temperature"])
    if open_set is not None:
        found = found.model_copy(update={"score": open_set["score"], "threshold": open_set["threshold"]})
    else:
        message = f"{path.name} gets no threshold, because there are no unknown signals."
        report(RunEvent(message=message, level="WARNING"))
    save_model_config(path, config.model_copy(update={"calibration": found}))
