"""The labelled files of an evaluation, and which recording each of them is of. Does not import torch."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rfuav_ray.errors import InvalidInput
from rfuav_ray.evaluation.data.layout import ClassFolder, Layout, class_folders_of
from rfuav_ray.events import Report, RunEvent, ignore
from rfuav_ray.files import IMAGE_KINDS, is_image
from rfuav_ray.images.dataset_card import DatasetCard, read_card
from rfuav_ray.images.recording_names import by_recording
from rfuav_ray.signals.finding import files_in
from rfuav_ray.walk import LeftOut

#: the label of signals of no known class
UNKNOWN = -1


@dataclass(frozen=True)
class LabelledFile:
    """An image or an IQ recording."""

    path: Path
    #: the class's index, or UNKNOWN
    label: int
    #: None: not known
    snr_db: float | None
    #: files with the same one are of one recording
    recording: str


def labelled_files(
    path: Path,
    class_names: Sequence[str],
    layout: Layout | None,
    *,
    field: str,
    group_by_recording: bool = True,
    roots: Sequence[Path] = (),
    left_out: LeftOut | None = None,
    report: Report = ignore,
) -> list[LabelledFile]:
    """Find the images and recordings of the model's classes, sorted by class, ratio and path.

    An IQ recording is a recording. Images are of the recording that dataset.yaml or their names tell, see
    `recordings_of`. Files of one name at several ratios are of one recording.

    Args:
        path, class_names, layout, field, roots, left_out, report: As of `class_folders_of`.
        group_by_recording: False: each image counts as a recording of its own.

    Raises:
        InvalidInput: There is nothing to evaluate.
        RunError: A dataset.yaml cannot be read.
    """
    left_out = LeftOut() if left_out is None else left_out
    folders = class_folders_of(
        path, class_names, layout, field=field, roots=roots, left_out=left_out, report=report
    )
    found: list[tuple[ClassFolder, Path]] = []
    for folder in folders:
        files = files_in(folder.path, roots=roots, left_out=left_out, below=path)
        found += [(folder, file) for file in files]
        report(RunEvent())  # raises if the task was cancelled, as this loop may take long
    if not found:
        reason = f"there is no image ({IMAGE_KINDS}) and no recording in the class folders of '{path}'."
        raise InvalidInput(field, f"{reason} {left_out.describe(path)}".strip())
    empty = {one.label for one in folders} - {folder.label for folder, _ in found}
    if names := [class_names[label] for label in sorted(empty)]:
        report(RunEvent(message=f"The folders of these classes are empty: {', '.join(names)}.", level="WARNING"))
    card = read_card(path, report) if group_by_recording else None
    recordings = _recordings(found, class_names, card, group_by_recording=group_by_recording)
    return [
        LabelledFile(file, folder.label, folder.snr_db, recording)
        for (folder, file), recording in zip(found, recordings, strict=True)
    ]


def unknown_files(
    path: Path, *, roots: Sequence[Path] = (), left_out: LeftOut | None = None
) -> list[LabelledFile]:
    """Find all images and recordings in a folder, or the file itself, as signals of no known class.

    Raises:
        InvalidInput: For `unknown_path`: there are none.
    """
    files = [path] if path.is_file() else files_in(path, roots=roots, left_out=left_out)
    if not files:
        raise InvalidInput("unknown_path", f"there is no image ({IMAGE_KINDS}) and no recording in '{path}'.")
    return [LabelledFile(file, UNKNOWN, None, str(file)) for file in files]


def _recordings(
    found: Sequence[tuple[ClassFolder, Path]],
    class_names: Sequence[str],
    card: DatasetCard | None,
    *,
    group_by_recording: bool,
) -> list[str]:
    """The recording of each file. It begins with the class's index."""
    inside = [file.relative_to(folder.path).as_posix() for folder, file in found]
    images: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for (folder, file), name in zip(found, inside, strict=True):
        if is_image(file):
            images[folder.label][name] = None
    recording_of: dict[tuple[int, str], str] = {}
    for label, names in images.items():
        listed = card.recordings_of(class_names[label]) if card else ()
        grouped = by_recording(list(names), listed) if group_by_recording else {name: [name] for name in names}
        recording_of |= {(label, name): key for key, members in grouped.items() for name in members}
    return [
        f"{folder.label}/image/{recording_of[folder.label, name]}"
        if is_image(file)
        else f"{folder.label}/iq/{name}"
        for (folder, file), name in zip(found, inside, strict=True)
    ]
