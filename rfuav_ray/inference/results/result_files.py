"""The files of an inference: which ones it will write, and writing them from the rows in constant memory."""

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rfuav_ray.api.requests import InferenceRequest
from rfuav_ray.api.results import RecordingTotals
from rfuav_ray.errors import RunError
from rfuav_ray.events import Report, RunEvent, clean
from rfuav_ray.file_access.folders import remove_file
from rfuav_ray.inference.pictures import Pictures, Unusable
from rfuav_ray.inference.prediction_log import Done
from rfuav_ray.inference.progress import InferenceProgress
from rfuav_ray.inference.results.predictions import writing_predictions
from rfuav_ray.inference.results.recordings import RecordingResults
from rfuav_ray.inference.results.row_files import writing_rows
from rfuav_ray.inference.windows import RecordingSource, version_text
from rfuav_ray.models.config import ModelConfig
from rfuav_ray.outputs.added_files import add_files, added_files
from rfuav_ray.outputs.artifacts import IMAGES_FOLDER, RECORDINGS_INDEX, RECORDINGS_JSON, RECORDINGS_JSONL
from rfuav_ray.settings import installed_version
from rfuav_ray.signals.formats.sigmf.annotations import Annotation, write_annotations
from rfuav_ray.signals.formats.sigmf.files import DATA_SUFFIX, META_SUFFIX

KIND = "inference"
#: of file systems, less the number and the suffix of an image
LONGEST_NAME_BYTES = 240
#: rows between two signs of life while the results are written
_ROWS_PER_REPORT = 10_000


def reserve(save_path: Path, pictures: Pictures, request: InferenceRequest) -> None:
    """Note the files that only this inference writes, so that they are moved with its results.

    Raises:
        RunError: A file of somebody else has one of their names.
    """
    names = [IMAGES_FOLDER] if request.save_images and pictures.recordings else []
    for source in pictures.recordings if request.annotate else ():
        # The link to the samples has one of the last three.
        data = source.windowed.original.samples.path
        suffixes = (META_SUFFIX, DATA_SUFFIX, ".bin", data.suffix, data.resolve().suffix)
        names += [f"{source.target}{suffix}" for suffix in dict.fromkeys(suffixes) if suffix]
    if too_long := [name for name in names if len(os.fsencode(Path(name).name)) > LONGEST_NAME_BYTES]:
        raise RunError(f"{clean(too_long[0])} is too long for the name of a file: rename the recording.")
    own = set(added_files(save_path, KIND))
    if taken := [name for name in names if name not in own and os.path.lexists(save_path / name)]:
        raise RunError(
            f"'{save_path}' holds files that this task would replace ({', '.join(taken[:3])}): choose another "
            "save_path or name."
        )
    if names:
        add_files(save_path, KIND, names)


def write_results(
    rows: Iterable[Done],
    pictures: Pictures,
    config: ModelConfig,
    save_path: Path,
    progress: InferenceProgress,
    *,
    is_annotated: bool,
    report: Report,
) -> RecordingTotals | None:
    """Write the predictions, and for recordings their results and annotations.

    Returns:
        What all recordings have in common; None if the source has none.
    """
    unusable = sum(isinstance(one, Unusable) for one in pictures.sources)
    with ExitStack() as stack:
        write = stack.enter_context(writing_predictions(save_path, model=config.model))
        recordings = None
        if pictures.recordings or unusable:
            paths = (save_path / name for name in (RECORDINGS_JSON, RECORDINGS_JSONL, RECORDINGS_INDEX))
            recordings = RecordingResults(
                pictures.recordings,
                config,
                progress.pace.real_time_factors,
                stack.enter_context(writing_rows(*paths, model=config.model, key="recordings")),
                partial(_annotate, save_path=save_path, is_annotated=is_annotated, report=report),
                report,
            )
        for number, done in enumerate(rows):
            if number % _ROWS_PER_REPORT == 0:
                report(RunEvent())  # as in `_annotate`
            if "file" in done.row:
                write(done.row)
            if recordings is not None:
                recordings.add(done)
        if recordings is not None:
            recordings.finish()
    if recordings is None:
        # Without a service nobody moves what an earlier run left here.
        for name in (RECORDINGS_JSON, RECORDINGS_JSONL, RECORDINGS_INDEX):
            remove_file(save_path / name)
        return None
    return recordings.totals(save_path, unusable=unusable, real_time_factor=progress.pace.real_time_factor)


def _annotate(
    source: RecordingSource,
    annotations: Sequence[Annotation],
    *,
    save_path: Path,
    is_annotated: bool,
    report: Report,
) -> str | None:
    """Say whether a recording was changed meanwhile, and write its annotations. Returns the name of their file."""
    original = source.windowed.original
    if version_text(original) != source.version:
        message = f"{source.name} was changed while it was read: its first {original.sample_count} samples count."
        report(RunEvent(message=clean(message), level="WARNING"))
    if not is_annotated:
        return None
    report(RunEvent())  # says that the run is alive, and raises if the task was cancelled
    name, generator = f"{source.target}{META_SUFFIX}", f"rfuav-ray {installed_version()}"
    try:
        obstacle = write_annotations(save_path / name, original, annotations, generator=generator)
    except RunError as error:  # the recording is gone, and what was classified is not lost with it
        report(RunEvent(message=clean(f"{source.name} gets no annotations: {error}"), level="WARNING"))
        return None
    if obstacle:
        report(RunEvent(message=clean(f"{source.name}: {obstacle}")))
    return clean(name)
