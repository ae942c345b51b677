"""Checks preprocessing requests at submission; see `rfuav_ray.api.preflight`. Imports no Ray Data and no torch."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from preprocessing.folders import (
    default_output,
    request_identity,
    stft_settings_of,
)
from preprocessing.iq_copies import iq_augmentation_of, measured_interferer
from preprocessing.spectrogram_plan import Plan, check_plan
from rfuav_ray import paths
from rfuav_ray.api.requests import (
    AuditRequest,
    DataAugmentationRequest,
    DatasetSplitRequest,
    ImageCropRequest,
    PreprocessingRequest,
    SpectrogramRequest,
)
from rfuav_ray.api.requests.fields import Request
from rfuav_ray.api.validation_messages import message_of
from rfuav_ray.audit.checks import check_audit
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.file_access.roots import confined
from rfuav_ray.files import IMAGE_KINDS, is_image
from rfuav_ray.images.class_folders import class_folders, refuse_unfinished
from rfuav_ray.images.dataset_parts import AUGMENTED_PARTS, parts_of
from rfuav_ray.images.overlap import check_output
from rfuav_ray.objects.checks import check_urls_apart, existing_input, existing_url, new_prefix
from rfuav_ray.objects.urls import is_object_url
from rfuav_ray.outputs.manifest import holds_files, is_unfinished, read_run
from rfuav_ray.signals.description import Asked
from rfuav_ray.signals.finding import asked_of, recordings_in
from rfuav_ray.signals.iq_augmentation.copies import Measured
from rfuav_ray.signals.recordings import open_recording
from rfuav_ray.signals.spectrogram import spectrogram_count
from rfuav_ray.signals.stft_settings import StftSettings
from rfuav_ray.walk import walk_images

RequestT = TypeVar("RequestT", bound=Request)

#: up to this many recordings are opened: one must be usable, and they must not give too many spectrograms. With
#: more, the run looks at them
MAX_RECORDINGS_CHECKED = 20
#: bytes of train/<class>/<file> with the longest names that file systems have
OUTPUT_ROOM_BYTES = 520


@confined
@paths.refuses_lost_files
def check_preprocessing(request: RequestT, *, roots: Sequence[Path]) -> RequestT:
    """Check a request.

    Returns:
        The request with all paths absolute and resolved.

    Raises:
        InvalidInput: The request cannot work. The error names the field.
    """
    check: Callable[[RequestT, Sequence[Path]], RequestT] = CHECKS[type(request)]
    return check(request, roots)


def _check_split(request: DatasetSplitRequest, roots: Sequence[Path]) -> PreprocessingRequest:
    if is_object_url(request.input_path):
        return _from_bucket(request, "input_path", roots)
    source = paths.existing(request.input_path, roots, field="input_path")
    names = class_folders(source, field="input_path", roots=roots)
    if not any(len(list(islice(walk_images(source / name, roots=roots), 2))) == 2 for name in names):
        raise InvalidInput(
            "input_path", f"each class of '{source}' has only one image, so the validation set would be empty."
        )
    return _with_output(request, source, request.output_path, roots)


def _check_augment(request: DataAugmentationRequest, roots: Sequence[Path]) -> PreprocessingRequest:
    if is_object_url(request.dataset_path):
        return _from_bucket(request, "dataset_path", roots)
    source = paths.existing(request.dataset_path, roots, field="dataset_path")
    parts = [source / part for part in parts_of(source, AUGMENTED_PARTS, roots)]
    if not parts:
        reason = f"'{source}' has neither a folder train nor valid; choose the folder that holds them."
        raise InvalidInput("dataset_path", reason)
    for part in parts:
        class_folders(part, field="dataset_path", roots=roots)
    return _with_output(request, source, request.output_path or str(default_output(source)), roots)


def _check_crop(request: ImageCropRequest, roots: Sequence[Path]) -> PreprocessingRequest:
    if is_object_url(request.input_path):
        return _from_bucket(request, "input_path", roots)
    source = paths.existing(request.input_path, roots, field="input_path")
    if source.is_file():
        if not is_image(source):
            raise InvalidInput("input_path", f"'{source}' is not an image; {IMAGE_KINDS} are read.")
    else:
        refuse_unfinished(source, "input_path")
    if source.is_dir() and next(walk_images(source, roots=roots), None) is None:
        reason = f"there is no image ({IMAGE_KINDS}) in '{source}' or below it."
        raise InvalidInput("input_path", reason)
    return _with_output(request, source, request.output_path, roots)


def _check_spectrogram(request: SpectrogramRequest, roots: Sequence[Path]) -> PreprocessingRequest:
    try:
        settings = stft_settings_of(request)
        iq_augmentation_of(request)
    except ValidationError as error:
        raise _contradiction(error) from None
    if is_object_url(request.input_path):
        return _from_bucket(request, "input_path", roots)
    source = paths.existing(request.input_path, roots, field="input_path")
    found = recordings_in(source, roots=roots)
    if not found:
        reason = f"there is no IQ recording in '{source}' or below it; docs/formats.md lists what is read."
        raise InvalidInput("input_path", reason)
    parts = _plan(found, settings, asked_of(request)) if len(found) <= MAX_RECORDINGS_CHECKED else []
    request = _with_interferers(request, source, parts, roots)
    checked = _with_output(request, source, request.output_path, roots)
    if is_object_url(request.output_path):
        return checked
    times = 1 + request.iq_copies
    check_plan(
        [(one, count * times) for one, count in parts],
        paths.output_folder(request.output_path, roots, field="output_path"),
    )
    return checked


def _with_interferers(
    request: SpectrogramRequest, source: Path, parts: Plan, roots: Sequence[Path]
) -> SpectrogramRequest:
    """Check interferers_path. Where it holds few recordings, one of them must be usable."""
    if request.interferers_path is None:
        return request
    if is_object_url(request.interferers_path):
        url = existing_url(request.interferers_path, "interferers_path")
        return request.model_copy(update={"interferers_path": url})
    folder = paths.existing(request.interferers_path, roots, field="interferers_path")
    if folder.is_relative_to(source) or source.is_relative_to(folder):
        raise InvalidInput(
            "interferers_path",
            f"'{folder}' and input_path lie in one another: interferers would be drawn, or signals would be added "
            "to themselves. Use another folder.",
        )
    found = recordings_in(folder, roots=roots)
    if not found:
        raise InvalidInput("interferers_path", f"there is no IQ recording in '{folder}' or below it.")
    if len(found) <= MAX_RECORDINGS_CHECKED:
        # Measuring one takes up to some seconds; the first that can be added is enough.
        _check_interferers((measured_interferer(path, request, roots) for path in found), parts)
    return request.model_copy(update={"interferers_path": str(folder)})


def _check_interferers(found: Iterable[Measured | str], parts: Plan) -> None:
    rates_hz = sorted({settings.sample_rate_hz for settings, _ in parts})
    usable, reasons = [], []
    for one in found:
        if isinstance(one, str):
            reasons.append(one)
        elif not parts or any(map(one.has_rate, rates_hz)):
            return
        else:
            usable.append(one)
    if not usable:
        raise InvalidInput("interferers_path", f"no recording in it can be added. The first: {reasons[0]}.")
    theirs = ", ".join(f"{rate / 1e6:g}" for rate in sorted({one.sample_rate_hz for one in usable}))
    ours = ", ".join(f"{rate / 1e6:g}" for rate in rates_hz)
    raise InvalidInput(
        "interferers_path",
        f"its recordings have {theirs} MS/s and those of input_path {ours} MS/s: record or resample them at the "
        "same rate.",
    )


def _plan(recordings: Sequence[Path], settings: StftSettings, asked: Asked) -> Plan:
    """What the usable recordings give. Raises InvalidInput if none is usable."""
    parts, refusals = [], []
    for path in recordings:
        try:
            recording = open_recording(path, **vars(asked))
            parts.append((settings.at_rate(recording.sample_rate_hz), spectrogram_count(recording, settings)))
        except RunError as error:
            refusals.append(InvalidInput("input_path", f"no recording can be used: {error}"))
        except InvalidInput as error:
            refusals.append(error)
    if not parts:
        raise refusals[0]
    return parts


def _contradiction(error: ValidationError) -> InvalidInput:
    # The messages of StftSettings' own checks begin with the field.
    field, _, reason = message_of(error.errors()[0]).partition(": ")
    return InvalidInput(field, reason)


def _check_audit(request: AuditRequest, roots: Sequence[Path]) -> AuditRequest:
    return check_audit(request, roots=roots)


def _from_bucket(request: PreprocessingRequest, field: str, roots: Sequence[Path]) -> PreprocessingRequest:
    """With an input in a bucket. The run looks at its objects, when it has them."""
    update = {field: existing_url(getattr(request, field), field)}
    if isinstance(request, SpectrogramRequest) and request.interferers_path is not None:
        update["interferers_path"] = existing_input(request.interferers_path, roots, "interferers_path")
    output_path = request.output_path or f"{update[field]}_aug"
    return _with_empty_output(request.model_copy(update=update), output_path, roots)


def _with_output(
    request: PreprocessingRequest, source: Path, output_path: str, roots: Sequence[Path]
) -> PreprocessingRequest:
    if not is_object_url(output_path):
        check_output(source, paths.output_folder(output_path, roots, field="output_path"))
    source_field = "dataset_path" if isinstance(request, DataAugmentationRequest) else "input_path"
    return _with_empty_output(request.model_copy(update={source_field: str(source)}), output_path, roots)


def _with_empty_output(
    request: PreprocessingRequest, output_path: str, roots: Sequence[Path]
) -> PreprocessingRequest:
    if is_object_url(output_path):
        request = request.model_copy(update={"output_path": new_prefix(output_path, "output_path")})
    fields = ("input_path", "dataset_path", "interferers_path", "output_path")
    check_urls_apart({field: getattr(request, field, None) or "" for field in fields})
    if is_object_url(output_path):
        return request
    output = paths.output_folder(output_path, roots, field="output_path", room_bytes=OUTPUT_ROOM_BYTES)
    request = request.model_copy(update={"output_path": str(output)})
    if output.exists() and holds_files(output) and not is_unfinished(read_run(output), request_identity(request)):
        found = ", ".join(f"'{entry.name}'" for entry in islice(output.iterdir(), 3))
        reason = f"'{output}' already holds files ({found}, …): choose a new folder, or empty this one."
        raise InvalidInput("output_path", reason)
    return request


CHECKS: dict[type, Any] = {
    DatasetSplitRequest: _check_split,
    DataAugmentationRequest: _check_augment,
    ImageCropRequest: _check_crop,
    SpectrogramRequest: _check_spectrogram,
    AuditRequest: _check_audit,
}
