"""Finds what an inference classifies: the images and the recordings of its source."""

from collections.abc import Sequence
from pathlib import Path

from rfuav_ray.api.requests import InferenceRequest, RecordingFields, RecordingOutputs
from rfuav_ray.errors import InvalidInput, RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.files import IMAGE_KINDS, is_image
from rfuav_ray.inference.pictures import ImageFile, Pictures, Source, Unusable
from rfuav_ray.inference.windows import RecordingSource, version_text
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.models.recording_settings import (
    NoSampleRate,
    RecordingSettings,
    missing_settings,
    recording_settings,
    windowed,
)
from rfuav_ray.outputs.artifacts import IMAGES_FOLDER
from rfuav_ray.signals.finding import RecordingNotes, files_in, notes_of_samples, targets_of
from rfuav_ray.walk import LeftOut, tell_left_out


def pictures_of(
    request: InferenceRequest, config: ModelConfig, save_path: Path, report: Report, roots: Sequence[Path] = ()
) -> tuple[Pictures, dict[str, int]]:
    """Find the images and recordings of a request's source, and look at the recordings.

    Args:
        request: What to classify.
        config: Of the model.
        save_path: The results folder.
        report: Receives a WARNING for everything that is assumed, doubtful or left out.
        roots: Folders that links may lead into. None: they may lead anywhere.

    Returns:
        The pictures in the order of the files' names, and the number of files that were left out, by reason.

    Raises:
        InvalidInput: The source is one recording or has no images, and the model does not know how to draw
            recordings.
        RunError: The source cannot be used.
    """
    source, left_out = Path(request.source_path), LeftOut()
    files = _files(source, roots, left_out)
    root = source.parent if source.is_file() else source
    images_folder = save_path / IMAGES_FOLDER if request.save_images else None
    found = look_at(
        files, root, request, config, report, left_out=left_out, images_folder=images_folder, roots=roots
    )
    return Pictures(list(found.values())), tell_left_out([(source, left_out)], report)


def look_at(
    files: Sequence[Path],
    root: Path,
    request: RecordingFields,
    config: ModelConfig,
    report: Report,
    *,
    left_out: LeftOut,
    images_folder: Path | None = None,
    roots: Sequence[Path] = (),
) -> dict[Path, Source]:
    """Look at images and recordings, which lie below `root`, before they are drawn.

    Args:
        files: The images and recordings.
        root: What their names are relative to.
        request: How recordings are read.
        config: Of the model.
        report: Receives a WARNING for everything that is assumed or doubtful.
        left_out: Counts recordings beside images that cannot be drawn.
        images_folder: Where the spectrograms of recordings are kept; None: nowhere.
        roots: As of `pictures_of`.

    Raises:
        InvalidInput: There are recordings alone, and the model does not know how to draw them.
    """
    recordings = [file for file in files if not is_image(file)]
    if not recordings:
        _warn_about_fields(request, report)
        settings = None
    else:
        settings = _settings(config, request, report, has_images=len(recordings) < len(files))
        for file in recordings if settings is None else ():
            left_out.add("recording", str(file.relative_to(root)))
    targets = targets_of(recordings)
    notes = RecordingNotes()
    found: dict[Path, Source] = {}
    for file in files:
        name = clean(file.relative_to(root).as_posix())
        if is_image(file):
            found[file] = ImageFile(name, file)
        elif settings is not None:
            target = str(targets[file].relative_to(root))
            one = _recording(file, name, target, settings, images_folder, notes, roots)
            if isinstance(one, Unusable) and one.has_no_rate and len(recordings) < len(files):
                left_out.add("no_rate", str(file.relative_to(root)))  # beside images it may be any table
            else:
                found[file] = one
            report(RunEvent())  # raises if the task was cancelled, as this loop may take long
    notes.tell(report)
    return found


def _recording(
    file: Path,
    name: str,
    target: str,
    settings: RecordingSettings,
    images_folder: Path | None,
    notes: RecordingNotes,
    roots: Sequence[Path],
) -> RecordingSource | Unusable:
    try:
        opened = windowed(file, settings, roots)
        notes.add(name, [*opened.notes, *notes_of_samples(opened.original)])
    except (RunError, InvalidInput) as error:
        return Unusable(name, clean(str(error)), has_no_rate=isinstance(error, NoSampleRate))
    return RecordingSource(name, target, opened, version_text(opened.original), images_folder)


def _settings(
    config: ModelConfig, request: RecordingFields, report: Report, *, has_images: bool
) -> RecordingSettings | None:
    """How recordings are drawn. None: nobody says it, and the images can be classified without them."""
    if has_images and missing_settings(config, request):
        return None
    settings = recording_settings(config, request)
    for note in settings.notes:
        report(RunEvent(message=clean(f"{note.message}."), level=note.level))
    return settings


def _files(source: Path, roots: Sequence[Path], left_out: LeftOut) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise RunError(f"{source} does not exist: choose an image, a recording, or a folder of them.")
    if files := files_in(source, roots=roots, left_out=left_out):
        return files
    sentence = left_out.describe(source)
    raise RunError(
        f"There is no image ({IMAGE_KINDS}) and no recording in {source} or below it. {sentence}".strip()
    )


def _warn_about_fields(request: RecordingFields, report: Report) -> None:
    """The source has no recordings: fields about them have no effect."""
    defaults = {name: field.default for name, field in RecordingOutputs.model_fields.items()}
    if given := [name for name, default in defaults.items() if getattr(request, name, default) != default]:
        message = f"The source has no recordings, so these fields have no effect: {', '.join(given)}."
        report(RunEvent(message=message, level="WARNING"))
