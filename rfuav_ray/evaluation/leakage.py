"""Whether the data of an evaluation share recordings with the training of its model, where that is known."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.api.results import AuditVerdict
from rfuav_ray.audit.parts import Part
from rfuav_ray.audit.quick import TRAIN, audit_names, part_of
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.evaluation.data.layout import class_folders_of
from rfuav_ray.events import Level, Report, RunEvent, clean, ignore, one_line
from rfuav_ray.file_access.json_text import parse_json
from rfuav_ray.file_access.limits import MAX_NOTE_BYTES
from rfuav_ray.file_access.reading import read_file
from rfuav_ray.images.dataset_card import read_card
from rfuav_ray.objects.urls import is_object_url
from rfuav_ray.outputs.artifacts import TRAINING_FILES
from rfuav_ray.walk import walk_images

TEST = "test"


def leakage_of(
    request: EvaluationRequest, class_names: Sequence[str], report: Report, roots: Sequence[Path] = ()
) -> AuditVerdict | None:
    """Compare data_path with the images that the model was trained on.

    The training's report.json lies beside the model's config or weights.

    Args:
        request: With absolute paths.
        class_names: Of the model.
        report: Receives the verdict, or why there is none.
        roots: Folders that links may lead into.

    Returns:
        None if the training's data are not known.
    """
    train_path, why = _train_path(request)
    if train_path is None:
        _tell(report, why)
        return None
    try:
        parts = [part_of(TRAIN, train_path, report, roots), _test_part(request, class_names, report, roots)]
        found = audit_names(parts, report)
    except (InvalidInput, RunError, OSError) as error:
        _tell(report, f"the training's data cannot be compared: {error}")
        return None
    level: Level = "INFO" if found["verdict"] == "clean" else "WARNING"
    message = f"Training and test data: {found['verdict']}. {' '.join(found['sentences'])}"
    report(RunEvent(message=clean(message), level=level))
    return found


def _test_part(
    request: EvaluationRequest, class_names: Sequence[str], report: Report, roots: Sequence[Path]
) -> Part:
    """The images that were evaluated, in folders of classes or of ratios."""
    path = Path(request.data_path)
    folders = class_folders_of(path, class_names, request.layout, field="data_path", roots=roots)
    images = []
    for folder in folders:
        report(RunEvent())  # raises if the task was cancelled
        images += [(image, folder.label) for image in sorted(walk_images(folder.path, roots=roots))]
    if not images:
        raise InvalidInput("data_path", f"there are no images in the class folders of '{path}', only recordings.")
    present = sorted({label for _, label in images})
    numbered = {label: number for number, label in enumerate(present)}
    return Part(
        TEST,
        path,
        [class_names[label] for label in present],
        [(image, numbered[label]) for image, label in images],
        read_card(path, ignore),
        levels=1 if folders[0].snr_db is None else 2,
    )


def _train_path(request: EvaluationRequest) -> tuple[Path | None, str]:
    """The folder that the model was trained on, or why that is not known."""
    for folder in dict.fromkeys((Path(request.weight_path).parent, Path(request.cfg_path).parent)):
        try:
            content: Any = parse_json(read_file(folder / TRAINING_FILES["report"], largest_bytes=MAX_NOTE_BYTES))
            named = content["request"]["train_path"]
            if is_object_url(named):
                return None, f"it was trained on '{one_line(named)}', which is in a bucket"
            path = Path(named)
            os.fsencode(path)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if path.is_absolute() and "\0" not in str(path):  # who may write the weights may have written the report
            return path, ""
    return None, "there is no report.json of a training beside its config or weights"


def _tell(report: Report, why: str) -> None:
    message = f"Whether the model was trained on these recordings is not known: {why}."
    report(RunEvent(message=clean(message)))
