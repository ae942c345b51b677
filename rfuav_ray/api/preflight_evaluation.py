"""The check of an evaluation request at submission. Does not import torch."""

from collections.abc import Sequence
from pathlib import Path

from rfuav_ray import paths
from rfuav_ray.api.preflight import check_model, results_folder
from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.errors import InvalidInput
from rfuav_ray.file_access.roots import confined
from rfuav_ray.files import version_of
from rfuav_ray.outputs.artifacts import EVALUATION_FILES, TRAINING_FILES

#: both write files of the same names
_OF_TRAINING = sorted(set(TRAINING_FILES.values()) - set(EVALUATION_FILES.values()))


@confined
@paths.refuses_lost_files
def check_evaluation(request: EvaluationRequest, *, roots: Sequence[Path]) -> EvaluationRequest:
    """Check an evaluation request: model, weights, data and output folder.

    Args:
        request: The request as the client sent it.
        roots: Folders that the service may use.

    Returns:
        The request with resolved paths.

    Raises:
        InvalidInput: A field is invalid. The error names the field.
    """
    config_path = paths.existing_file(request.cfg_path, roots, field="cfg_path")
    weight_path = paths.existing_file(request.weight_path, roots, field="weight_path")
    check_model(config_path, weight_path, (version_of(config_path), version_of(weight_path)))
    update = {"cfg_path": str(config_path), "weight_path": str(weight_path)}
    for field in ("data_path", "unknown_path", "calibration_path"):
        if (path := getattr(request, field)) is not None:
            update[field] = str(paths.existing(path, roots, field=field))
    if request.save_path is not None:
        save_path, folder = results_folder(request.save_path, request.name, roots)
        if config_path.parent == folder or any((folder / name).exists() for name in _OF_TRAINING):
            raise InvalidInput(
                "save_path", f"'{folder}' holds a model, whose report.json and model.yaml would be replaced."
            )
        update["save_path"] = str(save_path)
    return request.model_copy(update=update)
