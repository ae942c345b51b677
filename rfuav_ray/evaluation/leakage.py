"""Whether the data of an evaluation share recordings with the training of its model, where that is known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.api.results import AuditVerdict
from rfuav_ray.audit.quick import quick_audit
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.events import Level, Report, RunEvent, clean
from rfuav_ray.file_access.json_text import parse_json
from rfuav_ray.file_access.limits import MAX_NOTE_BYTES
from rfuav_ray.file_access.reading import read_file
from rfuav_ray.outputs.artifacts import TRAINING_FILES


def leakage_of(request: EvaluationRequest, report: Report, roots: Sequence[Path] = ()) -> AuditVerdict | None:
    """Compare data_path with the images that the model was trained on.

    The training's report.json lies beside the model's config or weights.

    Args:
        request: With absolute paths.
        report: Receives the verdict, or why there is none.
        roots: Folders that links may lead into.

    Returns:
        None if the training's data are not known.
    """
    train_path = _train_path(request)
    if train_path is None:
        _tell(report, "there is no report.json of a training beside its config or weights")
        return None
    try:
        found = quick_audit(train_path, {"test": Path(request.data_path)}, report, roots)
    except (InvalidInput, RunError, OSError) as error:
        _tell(report, f"the training's data cannot be compared: {error}")
        return None
    level: Level = "INFO" if found["verdict"] == "clean" else "WARNING"
    message = f"Training and test data: {found['verdict']}. {' '.join(found['sentences'])}"
    report(RunEvent(message=clean(message), level=level))
    return found


def _train_path(request: EvaluationRequest) -> Path | None:
    for folder in dict.fromkeys((Path(request.weight_path).parent, Path(request.cfg_path).parent)):
        try:
            content: Any = parse_json(read_file(folder / TRAINING_FILES["report"], largest_bytes=MAX_NOTE_BYTES))
            path = Path(content["request"]["train_path"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if path.is_absolute():
            return path
    return None


def _tell(report: Report, why: str) -> None:
    message = f"Whether the model was trained on these recordings is not known: {why}."
    report(RunEvent(message=clean(message)))
