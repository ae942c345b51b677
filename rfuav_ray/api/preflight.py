"""Checks that reject an impossible request at submission. Each error names the field and the remedy.

Each function returns the request with absolute, resolved paths. A run on any machine that sees the same files can
use it. Does not import torch.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from rfuav_ray import paths
from rfuav_ray.api.requests import InferenceRequest, TrainingRequest
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.file_access.roots import confined
from rfuav_ray.files import IMAGE_KINDS, FileVersion, is_image, version_of
from rfuav_ray.images import class_folders
from rfuav_ray.images.overlap import check_apart, check_results
from rfuav_ray.models import architectures
from rfuav_ray.models.config import load_model_config
from rfuav_ray.models.recording_settings import RecordingSettings, recording_settings, windowed
from rfuav_ray.models.weights.check import check_weights
from rfuav_ray.objects.checks import check_urls_apart, existing_input, new_prefix
from rfuav_ray.objects.urls import is_object_url
from rfuav_ray.outputs.artifacts import TRAINING_FILES
from rfuav_ray.outputs.ownership import other_kind_in
from rfuav_ray.signals.finding import asked_of, recordings_in
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.walk import walk_images

MAX_CACHED_CHECKS = 1000
#: up to this many recordings are opened, until one is usable; with more, the run looks at them
MAX_RECORDINGS_CHECKED = 20


@confined
@paths.refuses_lost_files
def check_training(
    request: TrainingRequest, *, roots: Sequence[Path], supported_models: Sequence[str]
) -> TrainingRequest:
    """Check a training request: model, data set, weights and output folder.

    Args:
        request: The request as the client sent it.
        roots: Folders that the service may use.
        supported_models: Models that the service accepts.

    Returns:
        The request with resolved paths.

    Raises:
        InvalidInput: A field is invalid. The error names the field.
    """
    if request.model not in supported_models:
        raise InvalidInput(
            "model", f"'{request.model}' is not supported; choose one of {', '.join(supported_models)}."
        )
    architectures.check_image_size(request.model, request.image_size)
    architectures.check_batch(request.model, request.batch_size, request.image_size)
    _check_workers(request)
    images = {field: existing_input(getattr(request, field), roots, field) for field in ("train_path", "val_path")}
    train_path, val_path = map(Path, images.values())
    # The run looks at what is in buckets, when it has it.
    is_in_folders = not any(map(is_object_url, images.values()))
    if is_in_folders:
        check_apart(train_path, val_path)
        class_folders.check_dataset(train_path, val_path, request.num_classes, roots=roots)
    copy_to = request.copy_to and new_prefix(request.copy_to, "copy_to", is_empty=False)
    check_urls_apart({**images, "copy_to": copy_to or ""})
    weight_path = ""
    if request.weight_path:
        weights = paths.existing_file(request.weight_path, roots, field="weight_path")
        check_weights(weights, model=request.model, num_classes=None, image_size=request.image_size)
        weight_path = str(weights)
    save_path, folder = paths.results_folder(request.save_path, request.name, roots)
    if is_in_folders:
        check_results(train_path, val_path, folder)
    if why := other_kind_in(folder, "training"):
        raise InvalidInput("save_path", why)
    if request.on_existing == "overwrite" and weight_path in {
        str(folder / name) for name in TRAINING_FILES.values()
    }:
        raise InvalidInput("on_existing", f"'overwrite' would delete '{weight_path}', which weight_path names.")
    return request.model_copy(
        update={
            **images,
            "copy_to": copy_to,
            "save_path": str(save_path),
            "weight_path": weight_path,
        }
    )


def _check_workers(request: TrainingRequest) -> None:
    if request.num_workers > request.batch_size:
        raise InvalidInput(
            "batch_size",
            f"it is {request.batch_size}, and num_workers {request.num_workers}: each worker needs an image of "
            "each batch. Raise batch_size, or lower num_workers.",
        )
    if request.num_workers > 1 and ":" in request.device:
        raise InvalidInput(
            "num_workers", f"'{request.device}' is one GPU, which takes one worker. Use device 'cuda' or 'cpu'."
        )


@confined
@paths.refuses_lost_files
def check_inference(
    request: InferenceRequest, *, roots: Sequence[Path], source_field: str = "source_path"
) -> InferenceRequest:
    """Check an inference request: model, weights, source and output folder.

    Args:
        request: The request as the client sent it.
        roots: Folders that the service may use.
        source_field: The client's name of the source field, for errors.

    Returns:
        The request with resolved paths.

    Raises:
        InvalidInput: A field is invalid. The error names the field.
    """
    config_path = paths.existing_file(request.cfg_path, roots, field="cfg_path")
    weight_path = paths.existing_file(request.weight_path, roots, field="weight_path")
    source = existing_input(request.source_path, roots, source_field)
    check_model(config_path, weight_path)
    update = {"cfg_path": str(config_path), "weight_path": str(weight_path), "source_path": source}
    if request.copy_to:
        update["copy_to"] = new_prefix(request.copy_to, "copy_to", is_empty=False)
        check_urls_apart({source_field: source, "copy_to": update["copy_to"]})
    request = request.model_copy(update=update)
    if not is_object_url(source):
        _check_source(request, Path(source), source_field, roots)
    if request.save_path is None:
        return request
    save_path, folder = paths.results_folder(request.save_path, request.name, roots)
    if not is_object_url(source):
        _check_extra_files(request, Path(source), folder)
    return request.model_copy(update={"save_path": str(save_path)})


def check_model(config_path: Path, weight_path: Path) -> None:
    """Check that config and weights fit. Raises InvalidInput."""
    _check_model(config_path, weight_path, (version_of(config_path), version_of(weight_path)))


@lru_cache(MAX_CACHED_CHECKS)
def _check_model(config_path: Path, weight_path: Path, _versions: tuple[FileVersion, FileVersion]) -> None:
    """The cache skips valid files that have not changed since."""
    config = load_model_config(config_path)
    check_weights(weight_path, model=config.model, num_classes=config.num_classes, image_size=config.image_size)


def _check_source(request: InferenceRequest, source: Path, field: str, roots: Sequence[Path]) -> None:
    """Check that there is something to classify, and that recordings can be drawn as the model knows them."""
    if source.is_file() and is_image(source):
        return
    if source.is_dir() and next(walk_images(source, roots=roots), None) is not None:
        return
    recordings = recordings_in(source, roots=roots)
    if source.is_file():
        try:
            open_recording(source, **vars(asked_of(request)))
        except RunError as error:
            reason = f"'{source}' is not an image ({IMAGE_KINDS}), and no recording that can be read: {error}"
            raise InvalidInput(field, reason) from error
    if not recordings:
        reason = f"there is no image ({IMAGE_KINDS}) and no IQ recording in '{source}' or below it."
        raise InvalidInput(field, reason)
    settings = recording_settings(load_model_config(Path(request.cfg_path)), request)
    if len(recordings) <= MAX_RECORDINGS_CHECKED:
        _check_recordings(recordings, settings, field, roots)


def _check_recordings(
    recordings: Sequence[Path], settings: RecordingSettings, field: str, roots: Sequence[Path]
) -> None:
    """Raises InvalidInput if none of the recordings can be classified."""
    refusals: list[InvalidInput] = []
    for path in recordings:
        try:
            windowed(path, settings, roots)
            return
        except RunError as error:
            refusals.append(InvalidInput(field, str(error)))
        except InvalidInput as error:
            refusals.append(error)
    raise refusals[0]


def _check_extra_files(request: InferenceRequest, source: Path, folder: Path) -> None:
    """Nothing that this inference adds may count as a part of its source."""
    extra = [name for name in ("annotate", "save_images") if getattr(request, name)]
    is_inside = source in (folder, *folder.parents) if source.is_dir() else source.parent == folder
    if extra and is_inside:
        raise InvalidInput(
            "save_path", f"'{folder}' lies in the folder of the source, where {extra[0]} must write nothing."
        )
