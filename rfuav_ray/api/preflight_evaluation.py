"""The check of an evaluation request at submission. Does not import torch."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rfuav_ray import paths
from rfuav_ray.api.preflight import check_model
from rfuav_ray.api.requests import EvaluationRequest
from rfuav_ray.errors import InvalidInput
from rfuav_ray.evaluation.data.files import unknown_files
from rfuav_ray.evaluation.data.layout import ClassFolder, class_folders_of
from rfuav_ray.file_access.roots import confined
from rfuav_ray.files import IMAGE_KINDS, is_image
from rfuav_ray.models.config import ModelConfig, load_model_config
from rfuav_ray.models.recording_settings import recording_settings
from rfuav_ray.objects.checks import check_urls_apart, existing_inputs, new_prefix
from rfuav_ray.objects.urls import is_object_url
from rfuav_ray.outputs.ownership import other_kind_in
from rfuav_ray.signals.recordings import is_recording
from rfuav_ray.walk import walk_files


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
    check_model(config_path, weight_path)
    inputs = existing_inputs(request, ("data_path", "unknown_path", "calibration_path"), roots)
    update = {"cfg_path": str(config_path), "weight_path": str(weight_path), **inputs}
    if request.copy_to:
        update["copy_to"] = new_prefix(request.copy_to, "copy_to", is_empty=False)
        check_urls_apart({**inputs, "copy_to": update["copy_to"]})
    request = request.model_copy(update=update)
    # The run looks at what is in buckets, when it has it.
    data = {field: Path(text) for field, text in inputs.items() if not is_object_url(text)}
    _check_data(request, load_model_config(config_path), data, roots)
    if request.save_path is None:
        return request
    save_path, folder = paths.results_folder(request.save_path, request.name, roots)
    if folder in (config_path.parent, weight_path.parent):
        reason = f"'{folder}' holds the model, whose report.json and model.yaml would be replaced."
        raise InvalidInput("save_path", reason)
    if why := other_kind_in(folder, "evaluation"):
        raise InvalidInput("save_path", why)
    for field, path in data.items():
        if folder.is_relative_to(path):
            reason = f"'{folder}' lies in {field}, whose data its plots would become. Choose another folder."
            raise InvalidInput("save_path", reason)
    return request.model_copy(update={"save_path": str(save_path)})


def _check_data(
    request: EvaluationRequest, config: ModelConfig, data: Mapping[str, Path], roots: Sequence[Path]
) -> None:
    """Check that each folder has something to score, that none is part of another, and that it can be drawn."""
    path, names = data.get("data_path"), config.class_names
    folders: list[ClassFolder] = []
    if path is not None:
        folders += class_folders_of(path, names, request.layout, field="data_path", roots=roots)
        _require_files(path, folders, "data_path", roots)
        if request.snr_sweep is not None:
            _check_sweep(path, folders, roots)
        has_recordings_only = not _has(folders, is_image, roots)
        if has_recordings_only or request.snr_sweep is not None:
            recording_settings(config, request)  # raises what the model does not know
    if (calibration := data.get("calibration_path")) is not None:
        known = class_folders_of(calibration, names, None, field="calibration_path", roots=roots)
        _require_files(calibration, known, "calibration_path", roots)
        if path is not None and (calibration.is_relative_to(path) or path.is_relative_to(calibration)):
            reason = f"'{calibration}' and data_path '{path}' lie in one another: the test would be its own fit."
            raise InvalidInput("calibration_path", reason)
        folders += known
    if (unknown := data.get("unknown_path")) is not None:
        # The first file is enough: a folder may hold millions.
        if not unknown.is_dir() or next(walk_files(unknown, _is_signal, roots=roots), None) is None:
            unknown_files(unknown, roots=roots)
        if any(one.path.is_relative_to(unknown) or unknown.is_relative_to(one.path) for one in folders):
            reason = f"'{unknown}' and the class folders of data_path lie in one another: it would not be unknown."
            raise InvalidInput("unknown_path", reason)


def _check_sweep(path: Path, folders: Sequence[ClassFolder], roots: Sequence[Path]) -> None:
    if any(one.snr_db is not None for one in folders):
        reason = f"the recordings in '{path}' have ratios already, by their folders; noise is added to clean ones."
        raise InvalidInput("snr_sweep", reason)
    if not _has(folders, is_recording, roots):
        reason = f"'{path}' has no IQ recordings, and noise cannot be added to images at a stated ratio."
        raise InvalidInput("snr_sweep", reason)


def _require_files(path: Path, folders: Sequence[ClassFolder], field: str, roots: Sequence[Path]) -> None:
    if not _has(folders, _is_signal, roots):
        reason = f"there is no image ({IMAGE_KINDS}) and no recording in the class folders of '{path}'."
        raise InvalidInput(field, reason)


def _has(folders: Sequence[ClassFolder], is_wanted: Callable[[Path], bool], roots: Sequence[Path]) -> bool:
    return any(next(walk_files(one.path, is_wanted, roots=roots), None) is not None for one in folders)


def _is_signal(file: Path) -> bool:
    return is_image(file) or is_recording(file)
